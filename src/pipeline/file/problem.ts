/** What is wrong, or looks wrong, in a pipeline file. */
export interface PipelineProblem {
  severity: 'error' | 'warning';
  message: string;
  /** Where in the structure: `sink.local.dataset`. */
  at?: string;
  /** Place in the file, counted from 1; absent for a pipeline that was given as an object. */
  line?: number;
  column?: number;
  /** The line of the file that the place is in. */
  source?: string;
}

/** Characters of a line that are shown around its problem. */
const SHOWN = 100;

/** `photos.yaml:12:3: message`, and below it the line with a caret under the place. */
export function showProblem(file: string, problem: PipelineProblem): string[] {
  const head = `${headline(file, problem)}`;
  const { line, column, source } = problem;
  if (line === undefined || column === undefined || source === undefined) return [head];
  const from = Math.max(0, column - 1 - SHOWN / 2);
  const part = source.slice(from, from + SHOWN).replaceAll('\t', ' ');
  const gutter = String(line);
  return [
    head,
    `  ${gutter} | ${part}`,
    `  ${' '.repeat(gutter.length)} | ${' '.repeat(column - 1 - from)}^`,
  ];
}

/** The problem on one line. */
export function headline(file: string, { severity, message, at, line, column }: PipelineProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return `${place}: ${severity === 'warning' ? 'warning: ' : ''}${at === undefined ? '' : `${at}: `}${message}`;
}

/** `sources[0].folder.path` */
export const showPath = (path: readonly PropertyKey[]): string =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('');
