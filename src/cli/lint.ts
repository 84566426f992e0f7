import { Command } from 'commander';
import { FatalError } from '../model/errors.ts';
import { type PipelineProblem, showProblem } from '../pipeline/file/problem.ts';
import { readPipeline } from '../pipeline/file/read.ts';
import { type Cli, printable } from './terminal.ts';

export function lintCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  return new Command('lint')
    .summary('check pipeline files')
    .description('Check pipeline files and show everything that is wrong with them. Nothing is run.')
    .argument('<file...>', 'pipeline files')
    .option('--json', 'exactly one JSON document on stdout, nothing else')
    .addHelpText('after', '\nExample:\n  $ sluice lint pipelines/*.yaml')
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const found: { file: string; problems: PipelineProblem[] }[] = [];
      for (const file of files) found.push({ file, problems: await problemsOf(file) });
      if (found.some(({ problems }) => problems.some(isError))) cli.exitCode = 1;
      if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, files: found })}\n`);
      else stdout.write(found.map(({ file, problems }) => report(file, problems)).join(''));
    });
}

/** A file that cannot be read at all is a problem like any other: the next file is looked at, too. */
async function problemsOf(file: string): Promise<PipelineProblem[]> {
  try {
    return (await readPipeline(file)).problems;
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return [{ severity: 'error', message: error.message }];
  }
}

const isError = ({ severity }: PipelineProblem): boolean => severity === 'error';

function report(file: string, problems: readonly PipelineProblem[]): string {
  const shown = problems.flatMap((problem) => showProblem(file, problem));
  const errors = problems.filter(isError).length;
  const warnings = problems.length - errors;
  const verdict = [
    errors === 0 ? 'ok' : `${errors} ${errors === 1 ? 'error' : 'errors'}`,
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]),
  ];
  return `${[...shown, `${file}: ${verdict.join(', ')}`].map(printable).join('\n')}\n`;
}
