import { type Command, InvalidArgumentError, Option } from 'commander';
import { KINDS, type Kind } from '../model/kind.ts';
import type { Geo } from '../model/labels.ts';
import type { SearchFilter } from '../model/search.ts';
import { jsonObject } from './flags.ts';

const GROUP = 'Which inputs (all that are given must hold):';

/** Adds the flags that say which inputs are looked at. */
export function withSearchFilter(command: Command): Command {
  const options = [
    many('--concept <id>', 'with this concept; A,B is one of both'),
    many('--not-concept <id>', 'without this concept'),
    many('--negative-concept <id>', 'with this concept as negative (value 0)'),
    many('--metadata <path=value>', 'with this value: camera.iso=100'),
    new Option('--dataset <name>', 'of this dataset'),
    new Option('--geo <lat,lon,km>', 'taken within so many kilometres of a place').argParser(numbers(3)),
    new Option(
      '--geo-box <lat,lon,lat,lon>',
      'taken between two corners, south-west and north-east',
    ).argParser(numbers(4)),
    many('--kind <kind>', `of this kind: ${KINDS.join(', ')}`, kindOf),
    new Option(
      '--filter <json>',
      'a filter as in the API: {"any":[{"concept":"cat"},{"not":{…}}]}',
    ).argParser(jsonObject),
  ];
  for (const option of options) command.addOption(option.helpGroup(GROUP));
  return command;
}

/** The filter that the flags make together; undefined where none was given. */
export function searchFilterOf(flags: Record<string, unknown>): SearchFilter | undefined {
  const listOf = (name: string) => (flags[name] as string[] | undefined) ?? [];
  const all: SearchFilter[] = [
    ...listOf('concept').map((given) => conceptsOf(given)),
    ...listOf('notConcept').map((given) => ({ not: conceptsOf(given) })),
    ...listOf('negativeConcept').map((given) => conceptsOf(given, 0)),
    ...listOf('metadata').map(metadataOf),
  ];
  const { dataset, geo, geoBox, filter } = flags as {
    dataset?: string;
    geo?: [number, number, number];
    geoBox?: [number, number, number, number];
    filter?: SearchFilter;
  };
  if (dataset !== undefined) all.push({ dataset });
  if (geo !== undefined) all.push({ geo: { ...placeOf(geo), radiusKm: geo[2] } });
  if (geoBox !== undefined) {
    const [south, west, north, east] = geoBox;
    all.push({ geoBox: { south: Math.min(south, north), west, north: Math.max(south, north), east } });
  }
  if (filter !== undefined) all.push(filter);
  if (all.length === 0) return undefined;
  return all.length === 1 ? all[0] : { all };
}

const placeOf = ([latitude, longitude]: readonly [number, number, ...number[]]): Geo => ({
  latitude,
  longitude,
});

/** A comma is an OR. */
function conceptsOf(given: string, value: 0 | 1 = 1): SearchFilter {
  const any = given
    .split(',')
    .filter((id) => id !== '')
    .map((concept): SearchFilter => (value === 0 ? { concept, value } : { concept }));
  return any.length === 1 ? any[0]! : { any };
}

/** `100` is the number and the text, for a shell has no types; `"100"` in quotes is the text alone. */
function metadataOf(given: string): SearchFilter {
  const at = given.indexOf('=');
  const [metadata, value] = [given.slice(0, at), given.slice(at + 1)];
  const json = jsonOf(value);
  const text = { metadata, equals: value };
  if (json === undefined) return text;
  const typed = { metadata, equals: json };
  return typeof json === 'string' || typeof json === 'object' ? typed : { any: [typed, text] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function many<T>(flag: string, help: string, check?: (value: string) => T): Option {
  const isPair = flag.includes('=');
  return new Option(flag, `${help}; may be repeated`).argParser<(string | T)[]>((value, before) => {
    if (isPair && value.indexOf('=') < 1) throw new InvalidArgumentError('expected PATH=VALUE');
    if (!isPair && value.replaceAll(',', '') === '') throw new InvalidArgumentError('expected a name');
    return [...(before ?? []), check === undefined ? value : check(value)];
  });
}

function kindOf(value: string): Kind {
  const kind = KINDS.find((each) => each === value);
  if (kind === undefined) throw new InvalidArgumentError(`expected one of ${KINDS.join(', ')}`);
  return kind;
}

const numbers =
  (count: number) =>
  (value: string): number[] => {
    const parts = value.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
    if (parts.length !== count || !parts.every(Number.isFinite)) {
      throw new InvalidArgumentError(`expected ${count} numbers with commas between them`);
    }
    return parts;
  };
