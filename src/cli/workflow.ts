import { Command, Option } from 'commander';
import { describeRef, parseModelRef } from '../embed/index.ts';
import type { Device } from '../model/embedding.ts';
import { FatalError } from '../model/errors.ts';
import { KINDS, type Kind } from '../model/kind.ts';
import type { IndexCounts, Workflow } from '../model/workflow.ts';
import {
  listWorkflows,
  type NodeRequest,
  revertWorkflow,
  type ShownWorkflow,
  setWorkflow,
  showWorkflow,
} from '../pipeline/indexing/workflow.ts';
import { wholeNumber } from './flags.ts';
import { deviceOption } from './reindex.ts';
import { contextFor, storeOf, withStore } from './run-command.ts';
import { type Cli, formatCount, printable, table } from './terminal.ts';

/** Node types of the platform's workflows that embed nothing. */
const OTHER_NODES = ['concept', 'concepts', 'cluster', 'clusters', 'classifier', 'detector'];

export function workflowCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const workflow = new Command('workflow').description(
    'The base workflow of a store: the models that embed every input, one or more for each kind.',
  );
  const say = (flags: Record<string, unknown>, document: object, text: string) => {
    stdout.write(flags['json'] ? `${JSON.stringify({ schema: 1, ...document })}\n` : `${text}\n`);
  };
  const storeIn = (flags: Record<string, unknown>) => storeOf(cli, flags['store'] as string | undefined);

  const set = withStore(new Command('set'))
    .description(
      'Make a workflow the base of the store. A model is `default`, a folder in the Hugging Face layout or a hub id; NAME=MODEL names it, and several for a kind may be given. Without models, a workflow that the store knows is taken by its name; Empty embeds nothing.',
    )
    .argument('<name>', 'what to call the workflow');
  for (const kind of KINDS) set.addOption(modelOption(kind));
  set
    .option('--regions', 'embed each box annotation of an image as well')
    .option(
      '--sample-ms <number>',
      'of videos: embed a frame every so many milliseconds, 100–60000',
      wholeNumber,
    )
    .option('--max-frames <number>', 'of videos: at most so many frames each', wholeNumber)
    .addOption(deviceOption())
    .option('--no-reindex', 'let searches use it at once, and embed new inputs only')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice workflow set general --text default --image default --audio default
  $ sluice workflow set clip --image models/clip --text models/clip --regions
  $ sluice workflow set Empty                       embed nothing`,
    );
  for (const node of OTHER_NODES) set.addOption(new Option(`--${node} [value]`).hideHelp());
  set.action(async (name: string, flags: Record<string, unknown>) => {
    refuseOthers(flags);
    using ctx = contextFor(cli, set);
    const store = storeIn(flags);
    const done = await setWorkflow(
      {
        store,
        name,
        models: modelsOf(flags),
        ...(flags['regions'] === true ? { regions: true } : {}),
        reindex: flags['reindex'] !== false,
        devices: (flags['device'] as Device[] | undefined) ?? [],
      },
      { logger: ctx.logger, abort: ctx.signal },
    );
    const { serving, waiting } = done;
    const lines = [`the base workflow is ${printable(name)}: ${modelsInWords(done.workflow)}`];
    lines.push(serving ? 'searches use it' : 'searches go on with the workflow before until it is whole');
    if (waiting > 0)
      lines.push(
        `${formatCount(waiting)} inputs wait to be embedded; run: sluice reindex --store ${printable(store)}`,
      );
    say(flags, done, lines.join('\n'));
  });

  const list = withStore(new Command('list'))
    .description('List the workflows that the store knows; with --json one workflow a line.')
    .addHelpText('after', '\nExample:\n  $ sluice workflow list');
  list.action(async (flags: Record<string, unknown>) => {
    const workflows = await listWorkflows(storeIn(flags));
    if (flags['json']) for (const one of workflows) stdout.write(`${JSON.stringify(one)}\n`);
    else {
      const rows = workflows.map((one) => [printable(one.name), roleOf(one), modelsInWords(one)]);
      stdout.write(`${table([['WORKFLOW', 'USE', 'MODELS'], ...rows])}\n`);
    }
  });

  const show = withStore(new Command('show'))
    .description('Show a workflow, the base one unless named, and how far the index is.')
    .argument('[name]')
    .addHelpText('after', '\nExample:\n  $ sluice workflow show');
  show.action(async (name: string | undefined, flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, show);
    const shown = await showWorkflow(storeIn(flags), name, { logger: ctx.logger, abort: ctx.signal });
    say(flags, shown, inWords(shown));
  });

  const revert = withStore(new Command('revert'))
    .description('Go back to the workflow that searches used before, at once; once more comes back.')
    .addHelpText('after', '\nExample:\n  $ sluice workflow revert');
  revert.action(async (flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, revert);
    const done = await revertWorkflow(storeIn(flags), { logger: ctx.logger, abort: ctx.signal });
    const waits = done.waiting > 0 ? `; ${formatCount(done.waiting)} inputs wait for sluice reindex` : '';
    say(flags, done, `searches and new inputs use the workflow ${printable(done.workflow)} again${waits}`);
  });

  for (const command of [set, list, show, revert]) workflow.addCommand(command);
  return workflow;
}

const modelOption = (kind: Kind): Option =>
  new Option(`--${kind} <model>`, `model for inputs of kind ${kind}; repeatable`).argParser<NodeRequest[]>(
    (value, before) => [...(before ?? []), nodeOf(value)],
  );

/** `MODEL` or `NAME=MODEL`. */
function nodeOf(given: string): NodeRequest {
  const named = /^([\w.-]+)=(.+)$/.exec(given);
  return named === null ? parseModelRef(given) : { name: named[1]!, ...parseModelRef(named[2]!) };
}

function modelsOf(flags: Record<string, unknown>): Partial<Record<Kind, NodeRequest[]>> {
  const models: Partial<Record<Kind, NodeRequest[]>> = {};
  for (const kind of KINDS) {
    const nodes = flags[kind] as NodeRequest[] | undefined;
    if (nodes !== undefined) models[kind] = nodes;
  }
  const { sampleMs, maxFrames } = flags as { sampleMs?: number; maxFrames?: number };
  if (sampleMs === undefined && maxFrames === undefined) return models;
  if (models.video === undefined)
    throw new FatalError(
      'CONFIG_INVALID',
      '--sample-ms and --max-frames are for videos; name a model with --video',
    );
  models.video = models.video.map((node) => ({
    ...node,
    ...(sampleMs === undefined ? {} : { sampleMs }),
    ...(maxFrames === undefined ? {} : { maxFrames }),
  }));
  return models;
}

function refuseOthers(flags: Record<string, unknown>): void {
  const other = OTHER_NODES.find((node) => flags[node] !== undefined);
  if (other === undefined) return;
  throw new FatalError(
    'CONFIG_INVALID',
    `a base workflow has embedding models only, and no ${other} nodes; supported are ${KINDS.map((kind) => `--${kind}`).join(', ')} and --regions`,
  );
}

const roleOf = ({ base, serving }: { base: boolean; serving: boolean }): string =>
  [...(base ? ['base'] : []), ...(serving ? ['searches'] : [])].join(', ');

function modelsInWords({ nodes, regions }: Workflow): string {
  const models = KINDS.flatMap((kind) =>
    (nodes[kind] ?? []).map(({ name, sampleMs: _sampleMs, maxFrames: _maxFrames, ...ref }) => {
      const described = describeRef(ref);
      return `${kind} ${printable(described === name ? name : `${name}=${described}`)}`;
    }),
  );
  return models.length === 0 ? 'embeds nothing' : [...models, ...(regions ? ['regions'] : [])].join(', ');
}

function inWords(shown: ShownWorkflow): string {
  const { name, generation, coverage, counts, previous } = shown;
  const role = roleOf(shown);
  const lines = [`${printable(name)}${role === '' ? '' : ` (${role})`}: ${modelsInWords(shown)}`];
  if (generation !== undefined && coverage !== undefined && coverage.length > 0) {
    const rows = generation.models.map(({ kind, node, fingerprint, dimensions }, i) => {
      const { inputs, indexed, failed } = coverage[i]!;
      const embedded = `${formatCount(indexed)} of ${formatCount(inputs)}`;
      return [kind, printable(node.name), fingerprint, String(dimensions), embedded, formatCount(failed)];
    });
    lines.push('', table([['KIND', 'MODEL', 'FINGERPRINT', 'NUMBERS', 'EMBEDDED', 'FAILED'], ...rows]));
  }
  lines.push('', countsInWords(counts));
  if (previous.length > 0) lines.push(`revert goes back to ${printable(previous[0]!)}`);
  return lines.join('\n');
}

/** The platform's names. */
const countsInWords = (counts: IndexCounts): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${formatCount(count)}`)
    .join(' · ');
