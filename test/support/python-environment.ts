import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The environments that `npm run python` makes, by what test/interop/requirements-<name>.txt is called. */
export type PythonName =
  | 'annotations'
  | 'clarifai'
  | 'croissant'
  | 'datautils'
  | 'models'
  | 's3'
  | 'tables'
  | 'training';

const FOLDER = fileURLToPath(new URL('../../.cache/python', import.meta.url));
/** Whatever the libraries print is kept out of the answer. */
const HEAD = 'import json, sys\nanswer, sys.stdout = sys.stdout, sys.stderr\ndata = json.load(sys.stdin)\n';
const TAIL = '\njson.dump(result, answer)\n';

/** Where the Python of an environment is, or would be. */
export function pythonExecutable(name: PythonName): string {
  return process.platform === 'win32'
    ? join(FOLDER, name, 'Scripts', 'python.exe')
    : join(FOLDER, name, 'bin', 'python');
}

/** Why an environment cannot be used and how to get it; undefined when it is there. */
export function missingPython(name: PythonName): string | undefined {
  return existsSync(pythonExecutable(name)) ? undefined : `needs the Python of "npm run python ${name}"`;
}

/**
 * Runs Python code that finds its input as `data` and leaves its answer as `result`, both JSON. Rejects with what it
 * wrote to stderr when it fails.
 */
export async function runPython<Result>(name: PythonName, code: string, data: unknown): Promise<Result> {
  return JSON.parse(await runProcess(name, ['-c', HEAD + code + TAIL], JSON.stringify(data))) as Result;
}

/** Runs a file of Python code. Gives what it prints; rejects with what it wrote to stderr when it fails. */
export const runScript = (name: PythonName, file: string, args: readonly string[]): Promise<string> =>
  runProcess(name, [file, ...args], '');

async function runProcess(name: PythonName, args: readonly string[], input: string): Promise<string> {
  const child = spawn(pythonExecutable(name), args, {
    env: { ...process.env, PYTHONUTF8: '1', PYTHONDONTWRITEBYTECODE: '1' },
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  // Code that fails before it reads its input closes the pipe; its exit status tells.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [answer, said, status] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (status !== 0) throw new Error(`Python ended with ${status}:\n${said}`);
  return answer;
}
