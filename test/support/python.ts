import { describe } from 'vitest';
import { missingPython, type PythonName, runPython } from './python-environment.ts';

/** Runs code in the suite's environment; see `runPython`. */
export type Python = <Result>(code: string, data: unknown) => Promise<Result>;

/**
 * A suite that talks to Python. Where the environment is not there it is skipped, and its name says how to get it;
 * in CI a skipped test is a failure.
 */
export function describePython(name: PythonName, title: string, suite: (python: Python) => void): void {
  const missing = missingPython(name);
  const python: Python = (code, data) => runPython(name, code, data);
  if (missing === undefined) describe(title, () => suite(python));
  else describe.skip(`${title} (${missing})`, () => suite(python));
}
