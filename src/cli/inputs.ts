import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { parseDatasetReference } from '../model/dataset.ts';
import { asError, FatalError, SluiceError } from '../model/errors.ts';
import type { Input } from '../model/input.ts';
import type { Concept } from '../model/labels.ts';
import { deleteInputs, type LocalReader, openReader, partsOf } from '../stores/index.ts';
import { inputChangeCommands } from './input-changes.ts';
import { contextFor, storeOf, withStore } from './run-command.ts';
import { type Cli, formatBytes, formatCount, printable, printableLines, table } from './terminal.ts';

const SHOWN_BY_DEFAULT = 50;

export function inputsCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const inputs = new Command('inputs').description('The inputs of a store.');

  const list = withStore(new Command('list'))
    .description('List inputs in the order of their ids; with --json one input a line (JSON Lines).')
    .option('--dataset <name[@version]>', 'only inputs of this dataset, or of a version of it')
    .option('--embeddings', 'with --json, also the vectors that searches use')
    .option('--limit <n>', `at most so many (default: ${SHOWN_BY_DEFAULT} for people, all with --json)`)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice inputs list --dataset default
  $ sluice inputs list --dataset cats@v1 --json
  $ sluice inputs list --json | jq -r 'select(.kind == "image") | .uri'
  $ sluice inputs list --json --embeddings | jq '.embeddings[0].vector | length'`,
    );
  list.action(async (flags: Record<string, unknown>) => {
    const json = flags['json'] === true;
    const limit = limitOf(flags['limit'], json);
    const withVectors = flags['embeddings'] === true;
    if (withVectors && !json) throw new FatalError('CONFIG_INVALID', '--embeddings needs --json');
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const rows = [['ID', 'KIND', 'FORMAT', 'BYTES', 'CONCEPTS', 'ANNOTATIONS', 'URI']];
      const reference = flags['dataset'] as string | undefined;
      const dataset = reference === undefined ? undefined : parseDatasetReference(reference);
      // One more than is shown tells whether there is more.
      const wanted = limit === undefined || json ? limit : limit + 1;
      let found = false;
      const chosen = chosenInputs(reader, dataset, wanted);
      for await (const input of withVectors ? reader.withEmbeddings(chosen) : chosen) {
        found = true;
        if (!json) rows.push(rowOf(input));
        else if (!stdout.write(`${JSON.stringify(input)}\n`)) await once(stdout, 'drain');
      }
      if (!found && dataset?.version === undefined && dataset !== undefined) {
        await reader.requireDataset(dataset.dataset);
      }
      if (json) return;
      const more = limit !== undefined && rows.length > limit + 1;
      stdout.write(`${rows.length > 1 ? table(more ? rows.slice(0, -1) : rows) : 'no inputs'}\n`);
      if (more) stdout.write(`… and more; --limit shows them, --json all\n`);
    } finally {
      reader.close();
    }
  });

  const get = withStore(new Command('get'))
    .description('Show one input, or write its original bytes.')
    .argument('<id>')
    .option('--out <file>', 'write the original bytes to this file; - is stdout')
    .addHelpText('after', '\nExample:\n  $ sluice inputs get chelsea-0123456789abcdef --out chelsea.png');
  get.action(async (id: string, flags: Record<string, unknown>) => {
    const reader = await openReader(storeOf(cli, flags['store'] as string | undefined));
    try {
      const input = await reader.getInput(id);
      if (input === undefined) throw noInput(id);
      const out = flags['out'] as string | undefined;
      if (out === '-') return await pipeline(await reader.openBytes(id), stdout, { end: false });
      if (out !== undefined) await writeOut(await reader.openBytes(id), out);
      stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, ...input })}\n` : forPeople(input));
    } finally {
      reader.close();
    }
  });

  const remove = withStore(new Command('delete'))
    .description('Remove inputs from every dataset. Their bytes go with the next sluice store gc.')
    .argument('<id...>')
    .option('--wait', 'wait for a run that writes to the store')
    .addHelpText('after', '\nExample:\n  $ sluice inputs delete chelsea-0123456789abcdef');
  remove.action(async (ids: string[], flags: Record<string, unknown>) => {
    const store = storeOf(cli, flags['store'] as string | undefined);
    using ctx = contextFor(cli, remove);
    const deleted = await deleteInputs(store, ids, { wait: flags['wait'] === true }, ctx);
    const missing = new Set(ids).size - deleted;
    if (missing > 0) cli.exitCode = 2;
    const text = `deleted ${formatCount(deleted)} inputs${missing > 0 ? `; ${formatCount(missing)} were not there` : ''}`;
    stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, deleted, missing })}\n` : `${text}\n`);
  });

  for (const command of [list, get, remove, ...inputChangeCommands(cli)]) inputs.addCommand(command);
  return inputs;
}

/** In the order of their ids. */
async function* chosenInputs(
  reader: LocalReader,
  { dataset, version }: { dataset?: string; version?: string } = {},
  limit: number | undefined,
): AsyncGenerator<Input> {
  if (dataset === undefined || version === undefined) {
    const options = {
      ...(dataset === undefined ? {} : { dataset }),
      ...(limit === undefined ? {} : { limit }),
    };
    yield* reader.listInputs(options);
    return;
  }
  let left = limit ?? Number.POSITIVE_INFINITY;
  for await (const input of (await reader.openVersion(dataset, version)).inputs()) {
    yield input;
    if (--left <= 0) return;
  }
}

function limitOf(given: unknown, json: boolean): number | undefined {
  if (given === undefined) return json ? undefined : SHOWN_BY_DEFAULT;
  const limit = Number(given);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new FatalError('CONFIG_INVALID', `--limit takes a whole number from 1, not ${String(given)}`);
  }
  return limit;
}

async function writeOut(bytes: Readable, path: string): Promise<void> {
  try {
    await pipeline(bytes, createWriteStream(path));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new FatalError('CONFIG_INVALID', `${path} cannot be written: ${asError(error).message}`, {
      cause: error,
    });
  }
}

const noInput = (id: string): FatalError =>
  new FatalError('CONFIG_INVALID', `there is no input ${id}; sluice inputs list shows the ids`);

function rowOf({ id, kind, media, bytes, concepts, annotations, uri }: Input): string[] {
  return [
    printable(id),
    kind,
    media.format,
    formatBytes(bytes),
    printable(labelsOf(concepts)),
    annotations.length === 0 ? '' : formatCount(annotations.length),
    printable(uri),
  ];
}

const labelsOf = (concepts: readonly Concept[]): string =>
  concepts.map((c) => `${c.value === 0 ? '¬' : ''}${c.id}`).join(' ');

/** The input as indented JSON, and its annotations, which may be thousands, counted. */
function forPeople({ annotations, ...input }: Input): string {
  const json = printableLines(JSON.stringify(input, null, 2));
  if (annotations.length === 0) return `${json}\n`;
  const counts = new Map<string, { cells: string[]; count: number }>();
  for (const annotation of annotations) {
    const cells = [printable(labelsOf(annotation.concepts)), partsOf(annotation).join(' ') || 'whole input'];
    const key = cells.join('\n');
    const counted = counts.get(key) ?? { cells, count: 0 };
    counted.count++;
    counts.set(key, counted);
  }
  const rows = [...counts.values()].sort((a, b) => b.count - a.count);
  const shown = rows.slice(0, SHOWN_BY_DEFAULT).map(({ cells, count }) => [...cells, formatCount(count)]);
  const more = rows.length > shown.length ? '… and more; --json shows each one\n' : '';
  return `${json}\n\n${table([['CONCEPTS', 'REGION', 'ANNOTATIONS'], ...shown])}\n${more}`;
}
