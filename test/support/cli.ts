import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Input } from '../../src/model/input.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { RunReport } from '../../src/pipeline/report.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Of the process: where it runs and, where a test needs another user than root, as whom. */
export interface As {
  cwd?: string;
  uid?: number;
  gid?: number;
}

/** Starts the command line as a process of its own, as a user would. */
export function start(args: string[], options: As = {}): { child: ChildProcess; done: Promise<Ran> } {
  const child = spawn(process.execPath, [MAIN, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const done = new Promise<Ran>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, done };
}

export const sluice = (args: string[], options: As = {}): Promise<Ran> => start(args, options).done;

/** Runs with `--json` and gives the document beside the exit code. */
export async function sluiceJson<T = RunReport>(
  args: string[],
  options: As = {},
): Promise<Ran & { json: T }> {
  const ran = await sluice([...args, '--json'], options);
  if (ran.stdout.trim() === '') throw new Error(`nothing on stdout (exit code ${ran.code}): ${ran.stderr}`);
  return { ...ran, json: JSON.parse(ran.stdout) as T };
}

export async function inputsOf(store: string, args: string[] = []): Promise<Input[]> {
  const ran = await sluice(['inputs', 'list', '--store', store, '--json', ...args]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return linesOf(ran.stdout) as Input[];
}

/** The lines of a run's ledger. */
export function ledgerOf(store: string, runId: string): Outcome[] {
  const path = join(store, 'runs', runId, 'ledger.jsonl');
  return existsSync(path) ? (linesOf(readFileSync(path, 'utf8')) as Outcome[]) : [];
}

function linesOf(text: string): unknown[] {
  const values = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { schema?: number });
  return values[0]?.schema === 1 ? values.slice(1) : values;
}
