import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { FatalError } from '../model/errors.ts';
import type { RunEnvironment } from '../pipeline/environment.ts';
import { openPipeline } from '../pipeline/file/run.ts';
import { runTests, type TestResult } from '../pipeline/file/tests.ts';
import { contextFor, isDebug } from './run-command.ts';
import { type Cli, printable } from './terminal.ts';

interface FileResult {
  file: string;
  tests: TestResult[];
}

export function testCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const command = new Command('test')
    .summary('run the tests of pipeline files')
    .description(
      'Run the tests that stand in pipeline files, each in a temporary store. Exit code 1 when one fails.',
    )
    .argument('<path...>', 'pipeline files, or folders of them')
    .option('--json', 'exactly one JSON document on stdout, nothing else')
    .addHelpText('after', '\nExample:\n  $ sluice test pipelines/');
  return command.action(async (paths: string[], flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, command);
    const env: Partial<RunEnvironment> = {
      clock: ctx.clock,
      abort: ctx.signal,
      ...(isDebug(command) ? { logger: ctx.logger } : {}),
    };
    const files: FileResult[] = [];
    for (const file of await filesOf(paths)) {
      const result: FileResult = { file, tests: [] };
      files.push(result);
      for await (const test of runTests(await openPipeline(file), env)) {
        ctx.signal.throwIfAborted();
        result.tests.push(test);
        if (!flags['json']) stdout.write(`${shown(file, test).map(printable).join('\n')}\n`);
      }
    }
    const all = files.flatMap(({ tests }) => tests);
    const failed = all.filter(({ passed }) => !passed).length;
    const totals = { tests: all.length, passed: all.length - failed, failed };
    if (failed > 0) cli.exitCode = 1;
    if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, totals, files })}\n`);
    else stdout.write(`${totals.passed} of ${totals.tests} tests passed\n`);
  });
}

/** Files as they are given, and of a folder its pipeline files. */
async function filesOf(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const stats = await stat(path).catch((error: Error) => {
      throw new FatalError('PIPELINE_INVALID', `${path} cannot be read: ${error.message}`, { cause: error });
    });
    if (!stats.isDirectory()) {
      files.push(path);
      continue;
    }
    const inside = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort();
    if (inside.length === 0)
      throw new FatalError('PIPELINE_INVALID', `${path} holds no pipeline file (*.yaml)`);
    files.push(...inside.map((name) => join(path, name)));
  }
  return files;
}

function shown(file: string, { name, passed, differences, error }: TestResult): string[] {
  const head = `${passed ? 'pass' : 'FAIL'}  ${file}: ${name}`;
  const json = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
  return [
    head,
    ...(error === undefined ? [] : [`      ${error.code}: ${error.message}`]),
    ...differences.flatMap(({ at, expected, actual }) => [
      `      ${at}`,
      `        - ${json(expected)}`,
      `        + ${json(actual)}`,
    ]),
  ];
}
