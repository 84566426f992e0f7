import { type Command, Option } from 'commander';
import { ANNOTATION_STATUSES } from '../model/annotation.ts';
import { ANNOTATION_KINDS, type AnnotationFilter } from '../model/dataset.ts';

const GROUP = 'Which annotations:';
const FIELDS = [
  ['concepts', '--concept <id>', 'with this concept, present or negative; may be repeated'],
  ['annotators', '--annotator <name>', 'of this annotator; may be repeated'],
  [
    'statuses',
    '--status <status>',
    'of this status; may be repeated (default: all but failed and review_denied)',
    ANNOTATION_STATUSES,
  ],
  ['kinds', '--kind <kind>', 'with such a place; may be repeated', ANNOTATION_KINDS],
  ['after', '--after <time>', 'changed at this time or later: 2026-01-31, or ISO 8601 with a time'],
  ['before', '--before <time>', 'changed before this time'],
] as const;

/** Adds the flags of an annotation filter. */
export function withFilterFlags(command: Command): Command {
  for (const [field, flag, help, choices] of FIELDS) {
    const option = new Option(flag, help).helpGroup(GROUP);
    if (choices !== undefined) option.choices(choices);
    if (field !== 'after' && field !== 'before') option.argParser(appendTo(option.parseArg));
    command.addOption(option);
  }
  return command;
}

/** The filter that the flags of a command line make; undefined when none was given. */
export function filterOf(flags: Record<string, unknown>): AnnotationFilter | undefined {
  const given = FIELDS.flatMap(([field, flag]) => {
    const value = flags[flag.slice(2, flag.indexOf(' '))];
    return value === undefined ? [] : [[field, value]];
  });
  return given.length === 0 ? undefined : (Object.fromEntries(given) as AnnotationFilter);
}

/** A flag that may be repeated; each value is checked as the flag's own is. */
const appendTo =
  (check: Option['parseArg']) =>
  (value: string, before: unknown): unknown => [
    ...((before as unknown[] | undefined) ?? []),
    check === undefined ? value : check(value, undefined),
  ];
