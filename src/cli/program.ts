import { once } from 'node:events';
import { Command, CommanderError } from 'commander';
import { type Code, codeInfo } from '../model/codes.ts';
import { asError, SluiceError } from '../model/errors.ts';
import { versions } from '../pipeline/versions.ts';
import { EXIT_INTERRUPTED, isInterrupt } from './signals.ts';
import { type Cli, printable, printableLines, type Terminal } from './terminal.ts';

type MakeCommand = (cli: Cli) => Command | Promise<Command>;

/** Each is loaded only when it is asked for: they bring along the formats and stores that they need. */
const COMMANDS = new Map<string, () => Promise<MakeCommand>>([
  ['ingest', async () => (await import('./ingest.ts')).ingestCommand],
  ['export', async () => (await import('./export.ts')).exportCommand],
  ['run', async () => (await import('./run.ts')).runCommand],
  ['resume', async () => (await import('./resume.ts')).resumeCommand],
  ['retry', async () => (await import('./retry.ts')).retryCommand],
  ['inputs', async () => (await import('./inputs.ts')).inputsCommand],
  ['datasets', async () => (await import('./datasets.ts')).datasetsCommand],
  ['filters', async () => (await import('./filters.ts')).filtersCommand],
  ['search', async () => (await import('./search.ts')).searchCommand],
  ['workflow', async () => (await import('./workflow.ts')).workflowCommand],
  ['reindex', async () => (await import('./reindex.ts')).reindexCommand],
  ['runs', async () => (await import('./runs.ts')).runsCommand],
  ['store', async () => (await import('./store.ts')).storeCommand],
  ['models', async () => (await import('./models.ts')).modelsCommand],
  ['lint', async () => (await import('./lint.ts')).lintCommand],
  ['test', async () => (await import('./test.ts')).testCommand],
  ['inspect', async () => (await import('./inspect.ts')).inspectCommand],
  ['schedule', async () => (await import('./schedule.ts')).scheduleCommand],
  ['doctor', async () => (await import('./doctor.ts')).doctorCommand],
] satisfies [string, () => Promise<MakeCommand>][]);

/** The program with the commands that a command line needs: the one it names, or all where it names none. */
export async function buildProgram(cli: Cli, argv: readonly string[] = []): Promise<Command> {
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
  for (const load of needed(argv)) program.addCommand(await (await load())(cli));
  for (const command of allOf(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => void cli.terminal.stdout.write(text),
      writeErr: (text) => void cli.terminal.stderr.write(text),
    });
  }
  return program;
}

function needed(argv: readonly string[]): Iterable<() => Promise<MakeCommand>> {
  if (argv.length === 1 && ['-V', '--version'].includes(argv[0]!)) return [];
  const [first, second] = argv.filter((word) => !word.startsWith('-'));
  const named = COMMANDS.get((first === 'help' ? second : first) ?? '');
  return named === undefined ? COMMANDS.values() : [named];
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
    const program = await buildProgram(cli, argv);
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
