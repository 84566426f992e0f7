import { once } from 'node:events';
import { Command } from 'commander';
import { checkStore, collectGarbage, compactStore, type StoreFinding } from '../stores/index.ts';
import { contextFor, storeOf, withStore } from './run-command.ts';
import { type Cli, formatBytes, formatCount, printable } from './terminal.ts';

const WAIT = ['--wait', 'wait for a run that writes to the store'] as const;

export function storeCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const store = new Command('store').description('The store itself: check it, tidy it.');

  const check = withStore(new Command('check'))
    .description(
      'Find rows without their bytes, bytes without a row, rows of no run, doubled ids, damaged dataset versions, and vectors that are stale. With --json one finding a line, then a summary line. Exit code 2 when something is wrong.',
    )
    .option('--deep', 'read every blob and compare its hash')
    .addHelpText('after', '\nExample:\n  $ sluice store check --deep');
  check.action(async (flags: Record<string, unknown>) => {
    const root = storeOf(cli, flags['store'] as string | undefined);
    using ctx = contextFor(cli, check);
    const findings = checkStore(root, { deep: flags['deep'] === true }, ctx);
    for (;;) {
      const next = await findings.next();
      if (next.done) {
        const { rows, blobs, bytes, versions, vectors, findings: count } = next.value;
        if (count > 0) cli.exitCode = 2;
        const text = `${formatCount(rows)} rows, ${formatCount(blobs)} blobs (${formatBytes(bytes)}), ${formatCount(versions)} versions, ${formatCount(vectors)} vectors: ${count === 0 ? 'all well' : `${formatCount(count)} findings`}`;
        stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, ...next.value })}\n` : `${text}\n`);
        return;
      }
      const line = flags['json'] ? JSON.stringify(next.value) : describe(next.value);
      if (!stdout.write(`${line}\n`)) await once(stdout, 'drain');
    }
  });

  const gc = withStore(new Command('gc'))
    .description(
      'Remove blobs that no input and no dataset version uses, vectors of inputs that are gone or changed and of models that no workflow uses any more, and what killed runs left behind.',
    )
    .option('--dry-run', 'only say what would go')
    .option(...WAIT)
    .addHelpText('after', '\nExample:\n  $ sluice store gc --dry-run');
  gc.action(async (flags: Record<string, unknown>) => {
    const root = storeOf(cli, flags['store'] as string | undefined);
    const dryRun = flags['dryRun'] === true;
    using ctx = contextFor(cli, gc);
    const garbage = await collectGarbage(root, { dryRun, wait: flags['wait'] === true }, ctx);
    const { blobs, chunks, bytes, tmpFolders, vectors, models } = garbage;
    const text = `${dryRun ? 'would remove' : 'removed'} ${formatCount(blobs)} blobs and ${formatCount(chunks)} chunks of versions (${formatBytes(bytes)}), ${formatCount(vectors)} stale vectors, the vectors of ${formatCount(models)} unused models, and ${tmpFolders} folders of killed runs`;
    stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, dryRun, ...garbage })}\n` : `${text}\n`);
  });

  const compact = withStore(new Command('compact'))
    .description('Join the small pieces that many commits leave, and remove old versions.')
    .option(...WAIT)
    .addHelpText('after', '\nExample:\n  $ sluice store compact');
  compact.action(async (flags: Record<string, unknown>) => {
    const root = storeOf(cli, flags['store'] as string | undefined);
    using ctx = contextFor(cli, compact);
    await compactStore(root, { wait: flags['wait'] === true }, ctx);
    stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1 })}\n` : 'compacted\n');
  });

  return store.addCommand(check).addCommand(gc).addCommand(compact);
}

function describe(finding: StoreFinding): string {
  const { finding: name, ...details } = finding;
  const facts = Object.entries(details).map(([key, value]) => `${key} ${printable(String(value))}`);
  return `${name}  ${facts.join(', ')}`;
}
