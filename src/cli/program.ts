import { once } from 'node:events';
import { Command, CommanderError } from 'commander';
import { exporterNames, loadExporter } from '../exporters/index.ts';
import { loaderNames, loadLoader } from '../loaders/index.ts';
import { type Code, codeInfo } from '../model/codes.ts';
import { asError, SluiceError } from '../model/errors.ts';
import { versions } from '../pipeline/versions.ts';
import { datasetsCommand } from './datasets.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export.ts';
import { filtersCommand } from './filters.ts';
import { ingestCommand } from './ingest.ts';
import { inputsCommand } from './inputs.ts';
import { inspectCommand } from './inspect.ts';
import { lintCommand } from './lint.ts';
import { resumeCommand } from './resume.ts';
import { retryCommand } from './retry.ts';
import { runCommand } from './run.ts';
import { runsCommand } from './runs.ts';
import { EXIT_INTERRUPTED, isInterrupt } from './signals.ts';
import { storeCommand } from './store.ts';
import { type Cli, printable, printableLines, type Terminal } from './terminal.ts';
import { testCommand } from './test.ts';

export async function buildProgram(cli: Cli): Promise<Command> {
  const loaders = await Promise.all(loaderNames.map(loadLoader));
  const exporters = await Promise.all(exporterNames.map(loadExporter));
  const program = new Command('sluice')
    .description('Moves images, video, text and audio in bulk, with an outcome for every item.')
    .version(versions().sluice, '-V, --version')
    .option('--debug', 'print stack traces and debug logs')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows the options)')
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      `
Start here:
  $ sluice ingest photos/ --labels folder       a folder becomes a dataset in ./sluice-store
  $ sluice inputs list --dataset default        what is in it
  $ sluice doctor                               what this machine has

Exit codes: 0 all ok · 1 fatal · 2 some items rejected or failed · 3 source incomplete · 130 interrupted`,
    );
  for (const make of [
    (c: Cli) => ingestCommand(c, loaders),
    (c: Cli) => exportCommand(c, exporters),
    runCommand,
    resumeCommand,
    retryCommand,
    inputsCommand,
    datasetsCommand,
    filtersCommand,
    runsCommand,
    storeCommand,
    lintCommand,
    testCommand,
    inspectCommand,
    doctorCommand,
  ]) {
    program.addCommand(make(cli));
  }
  for (const command of allOf(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => void cli.terminal.stdout.write(text),
      writeErr: (text) => void cli.terminal.stderr.write(text),
    });
  }
  return program;
}

const allOf = (command: Command): Command[] => [command, ...command.commands.flatMap(allOf)];

/** Runs one command line and gives its exit code; it never exits the process, so that all output is written. */
export async function runCli(argv: string[], terminal: Terminal): Promise<number> {
  const cli: Cli = { terminal, exitCode: 0 };
  let readerGone = false;
  // A reader that closes the pipe early, such as head, is no error.
  terminal.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    readerGone = true;
  });
  try {
    const program = await buildProgram(cli);
    await program.parseAsync(argv, { from: 'user' });
    if (terminal.stdout.writableNeedDrain) await once(terminal.stdout, 'drain');
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // A command that waits for stdout to drain is told of the closed pipe, too.
    if (readerGone && (thrown as NodeJS.ErrnoException).code === 'EPIPE') return 0;
    if (isInterrupt(thrown)) {
      reportInterrupt(argv, terminal);
      return EXIT_INTERRUPTED;
    }
    report(asError(thrown), argv, terminal);
    return 1;
  }
  return cli.exitCode;
}

function report(error: Error, argv: string[], terminal: Terminal): void {
  const ofArguments = error instanceof CommanderError;
  const code = error instanceof SluiceError ? error.code : ofArguments ? 'CONFIG_INVALID' : 'INTERNAL';
  const message = ofArguments ? error.message.replace(/^error: /, '') : error.message;
  const { number, remedy } = codeInfo(code);
  if (argv.includes('--json')) writeError({ code, codeNumber: number, message, remedy }, terminal);
  // Commander has said it already, with a suggestion.
  if (ofArguments) return;
  terminal.stderr.write(`error: ${printable(message)}\n${code} (${number}): ${remedy}\n`);
  if (argv.includes('--debug') || code === 'INTERNAL')
    terminal.stderr.write(`${printableLines(stackOf(error))}\n`);
}

/** No run had begun, so there is nothing to resume. */
function reportInterrupt(argv: string[], terminal: Terminal): void {
  terminal.stderr.write('interrupted\n');
  if (!argv.includes('--json')) return;
  const { number } = codeInfo('INTERRUPTED');
  const remedy = 'Run the command again.';
  writeError({ code: 'INTERRUPTED', codeNumber: number, message: 'interrupted', remedy }, terminal);
}

function writeError(
  error: { code: Code; codeNumber: number; message: string; remedy: string },
  { stdout }: Terminal,
): void {
  stdout.write(`${JSON.stringify({ schema: 1, error })}\n`);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack}${cause}`;
}
