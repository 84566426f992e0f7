import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { code, page } from './markdown.ts';

const WIDTH = 110;

/** docs/cli/<command>.md: the help of a command and of those below it, exactly as the terminal shows it. */
export async function cliPages(): Promise<[path: string, content: string][]> {
  let printed = '';
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      printed += chunk;
      done();
    },
  });
  const program = await buildProgram({
    terminal: { stdout, stderr: stdout, env: {}, cwd: '/' },
    exitCode: 0,
  });
  const help = (command: Command): string => {
    printed = '';
    command.configureHelp({ helpWidth: WIDTH });
    command.outputHelp();
    return `\`\`\`text\n${printed.trim()}\n\`\`\``;
  };
  return [program, ...program.commands].map((command) => {
    const below = command === program ? [] : sectionsBelow(command, command.name(), help);
    const title = command === program ? 'sluice' : `sluice ${command.name()}`;
    return [`cli/${command.name()}.md`, page(`# ${title}`, summaryOf(command), help(command), ...below)];
  });
}

/** `## inputs annotations delete` */
const sectionsBelow = (command: Command, path: string, help: (command: Command) => string): string[] =>
  command.commands.flatMap((sub) => {
    const name = `${path} ${sub.name()}`;
    return [`## ${name}`, help(sub), ...sectionsBelow(sub, name, help)];
  });

const summaryOf = (command: Command): string =>
  command.parent === null
    ? `The command line; each command has a page here. ${code('--help')} shows the same.`
    : command.description();
