import { posix } from 'node:path';

/**
 * The rooms of src/, top to bottom; imports point downward only, and rooms of one level never see each other.
 * `index.ts` at the top of src/ is the public API, which the command line uses like any other program.
 */
const LEVELS: readonly (readonly string[])[] = [
  ['cli'],
  ['index.ts'],
  ['server', 'queue'],
  ['pipeline'],
  ['loaders', 'labels', 'validation', 'batching', 'embed', 'stores', 'exporters'],
  ['formats'],
  ['annotations', 'media'],
  ['io'],
  ['model'],
];

const MAX_LINES = 400;

/** Globals that library code is handed instead, and the files whose job it is to hand them. */
const GLOBALS: readonly { pattern: RegExp; name: string; allowed: readonly string[] }[] = [
  { pattern: /\bconsole\./, name: 'console', allowed: [] },
  { pattern: /\bprocess\.(stdout|stderr)\b/, name: 'process.stdout and stderr', allowed: [] },
  {
    pattern: /\bprocess\.env\b/,
    name: 'process.env',
    // The engine is told what it must not do by the environment alone.
    allowed: ['pipeline/environment.ts', 'embed/onnx/worker-session.ts'],
  },
  { pattern: /\bDate\.now\b|\bnew Date\(\)/, name: 'the wall clock', allowed: ['io/clock.ts'] },
];

/** Packages that only one room may use. */
const CONFINED: Readonly<Record<string, string>> = { 'fluent-ffmpeg': 'media' };

interface Import {
  specifier: string;
  line: number;
}

/** A line that holds code: comments and the inside of block comments start with `*`, `/*` or `//`. */
const isCode = (line: string): boolean => !/^\s*(\/\/|\/\*|\*)/.test(line);

/** Every specifier that a file imports or re-exports, static or dynamic, value or type. */
export function importsOf(source: string): Import[] {
  const patterns = [
    /^(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ];
  const found: Import[] = [];
  for (const pattern of patterns) {
    for (const match of source.matchAll(pattern)) {
      const before = source.slice(0, match.index);
      const lineStart = before.lastIndexOf('\n') + 1;
      if (!isCode(source.slice(lineStart, match.index + match[0].length).split('\n')[0] ?? '')) continue;
      found.push({ specifier: match[1] ?? '', line: before.split('\n').length });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

const roomOf = (file: string): string => file.split('/')[0] ?? '';
const levelOf = (file: string): number => LEVELS.findIndex((rooms) => rooms.includes(roomOf(file)));

function checkImport(
  file: string,
  specifier: string,
  files: ReadonlyMap<string, string>,
): string | undefined {
  const owner = CONFINED[specifier];
  if (owner !== undefined && roomOf(file) !== owner) return `only src/${owner}/ may import ${specifier}`;
  if (!specifier.startsWith('.')) return undefined;
  if (!specifier.endsWith('.ts')) return `"${specifier}" lacks the .ts suffix`;
  const target = posix.join(posix.dirname(file), specifier);
  if (!files.has(target)) return `"${specifier}" is not a file of src/`;
  if (roomOf(file) === roomOf(target)) return undefined;
  const [from, to] = [levelOf(file), levelOf(target)];
  if (to === from) return `${roomOf(file)} and ${roomOf(target)} are siblings; "${specifier}" joins them`;
  if (to < from) return `"${specifier}" points upward, from ${roomOf(file)} to ${roomOf(target)}`;
  return undefined;
}

function checkGlobals(file: string, source: string): string[] {
  if (roomOf(file) === 'cli') return [];
  return source.split('\n').flatMap((line, index) => {
    if (!isCode(line)) return [];
    const code = line.replace(/\s\/\/\s.*$/, '');
    return GLOBALS.filter(({ pattern, allowed }) => pattern.test(code) && !allowed.includes(file)).map(
      ({ name }) => `${file}:${index + 1}: library code is handed its context, it does not use ${name}`,
    );
  });
}

/** Each cycle once, as the files on the way round. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const seenAt = path.indexOf(file);
    if (seenAt >= 0) cycles.push([...path.slice(seenAt), file]);
    if (seenAt >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}

/** Every break of the rules, as `file:line: what`; keys are paths below src/ with `/`, values are sources. */
export function violationsOf(files: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [file, source] of files) {
    if (levelOf(file) < 0) violations.push(`${file}:1: no room is called ${roomOf(file)}`);
    const lines = source.replace(/\n$/, '').split('\n').length;
    if (lines > MAX_LINES) violations.push(`${file}:${lines}: ${lines} lines, over ${MAX_LINES}`);
    violations.push(...checkGlobals(file, source));
    const imports = importsOf(source);
    for (const { specifier, line } of imports) {
      const problem = checkImport(file, specifier, files);
      if (problem !== undefined) violations.push(`${file}:${line}: ${problem}`);
    }
    const relative = imports.filter(({ specifier }) => specifier.startsWith('.'));
    graph.set(
      file,
      relative.map(({ specifier }) => posix.join(posix.dirname(file), specifier)),
    );
  }
  for (const cycle of cyclesOf(graph)) violations.push(`${cycle[0]}:1: cycle ${cycle.join(' → ')}`);
  return violations;
}
