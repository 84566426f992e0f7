import { isDeepStrictEqual } from 'node:util';
import type { Input } from '../../model/input.ts';
import type { Concept } from '../../model/labels.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { RunReport } from '../report.ts';
import type { ExpectedItem, PipelineTest } from './test-schema.ts';

/** What a run of a test came to. */
export interface Ran {
  report: RunReport;
  outcomes: readonly Outcome[];
  /** By id. */
  inputs: ReadonlyMap<string, Input>;
  /** Of an export: the files that it wrote. */
  files?: readonly string[];
}

export interface Difference {
  /** `totals.ok`, `items[cat.jpg].concepts` */
  at: string;
  expected: unknown;
  /** Absent where there is nothing. */
  actual?: unknown;
}

/** Where a run came to something else than a test expects; what the test does not name may be anything. */
export function differences(expected: PipelineTest['expect'], ran: Ran): Difference[] {
  const { report } = ran;
  const { totals, byCode, byKind, annotations, exitCode, items = [] } = expected;
  const { files = [], losses, ...counts } = expected.export ?? {};
  return [
    ...fields('totals', totals, report.totals),
    ...fields('byCode', byCode, report.byCode, 0),
    ...fields('byKind', byKind, report.byKind, 0),
    ...fields('annotations', annotations, report.annotations?.totals, 0),
    ...fields('export', counts, report.export?.annotations),
    ...fields('export.losses', losses, report.export?.losses, 0),
    ...files
      .filter((path) => ran.files?.includes(path) !== true)
      .map((path) => ({ at: 'export.files', expected: path, actual: ran.files })),
    ...fields('', { exitCode }, { exitCode: report.exitCode }),
    ...items.flatMap((item) => itemDifferences(item, ran)),
  ];
}

function itemDifferences({ uri, id, ...expected }: ExpectedItem, { outcomes, inputs }: Ran): Difference[] {
  const at = `items[${uri ?? id}]`;
  const outcome = outcomes.find((line) => (uri === undefined ? line.inputId === id : line.uri === uri));
  if (outcome === undefined) {
    return [
      {
        at,
        expected: 'an outcome',
        actual: `none; there are ${outcomes
          .slice(0, 10)
          .map((line) => line.uri)
          .join(', ')}`,
      },
    ];
  }
  const { message, metadata, ...rest } = expected;
  const stored = outcome.outcome === 'ok' ? inputs.get(outcome.inputId ?? '') : undefined;
  const actual = {
    outcome: outcome.outcome,
    code: outcome.code,
    warnings: outcome.warnings ?? [],
    kind: outcome.kind,
    concepts: stored?.concepts.map(shownConcept).sort(),
    split: stored?.split,
    text: stored?.text,
    annotations: stored?.annotations.length,
    problems: outcome.annotations?.problems?.map(({ code }) => code) ?? [],
  };
  const wanted = rest.concepts === undefined ? rest : { ...rest, concepts: [...rest.concepts].sort() };
  return [
    ...fields(at, wanted, actual),
    ...fields(`${at}.metadata`, metadata, stored?.metadata),
    ...(message === undefined || outcome.message?.includes(message)
      ? []
      : [{ at: `${at}.message`, expected: message, actual: outcome.message }]),
  ];
}

/** The fields of `expected` that `actual` has otherwise; `absent` is what a field that is not there stands for. */
function fields(
  at: string,
  expected: object | undefined,
  actual: object | undefined,
  absent?: unknown,
): Difference[] {
  return Object.entries(expected ?? {}).flatMap(([field, wanted]) => {
    const found = (actual as Record<string, unknown> | undefined)?.[field] ?? absent;
    if (wanted === undefined || isDeepStrictEqual(found, wanted)) return [];
    return [
      {
        at: at === '' ? field : `${at}.${field}`,
        expected: wanted,
        ...(found === undefined ? {} : { actual: found }),
      },
    ];
  });
}

const shownConcept = ({ id, value }: Concept): string => (value === 1 ? id : `${id}=${value}`);
