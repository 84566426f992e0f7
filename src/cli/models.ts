import { Command } from 'commander';
import { parseModelRef } from '../embed/index.ts';
import type { Device, DeviceReport } from '../model/embedding.ts';
import { benchModel, type MeasuredModel } from '../pipeline/models/bench.ts';
import { type CheckedModel, checkModel } from '../pipeline/models/check.ts';
import { type ListedModel, listModels } from '../pipeline/models/list.ts';
import { deviceInWords } from './device-words.ts';
import { wholeNumber } from './flags.ts';
import { deviceOption } from './reindex.ts';
import { contextFor } from './run-command.ts';
import { type Cli, formatBytes, printable, table } from './terminal.ts';

const REF = ['[model]', 'default, a folder or a hub id, with ?dtype=… and the like'] as const;
const JSON_OPTION = ['--json', 'JSON on stdout, nothing else'] as const;

export function modelsCommand(cli: Cli): Command {
  const { stdout } = cli.terminal;
  const models = new Command('models').description('Models that embed: list them, check one, measure one.');

  const list = new Command('list')
    .description(
      'List the built-in models and those that were fetched from a hub into the cache. With --json one model a line.',
    )
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  $ sluice models list');
  list.action(async (flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, list);
    const listed = await listModels({ logger: ctx.logger, abort: ctx.signal });
    if (flags['json']) for (const model of listed) stdout.write(`${JSON.stringify(model)}\n`);
    else stdout.write(`${listTable(listed)}\n`);
  });

  const check = new Command('check')
    .description(
      'Open a model, embed fixed inputs alone and together, and say what its vectors are known by. Exit code 2 when they cannot be used.',
    )
    .argument(REF[0], REF[1], 'default')
    .addOption(deviceOption())
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nExamples:\n  $ sluice models check\n  $ sluice models check models/clip?dtype=fp16 --device cpu',
    );
  check.action(async (model: string, flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, check);
    const checked = await checkModel(requestOf(model, flags), { logger: ctx.logger, abort: ctx.signal });
    if (checked.some(({ problems }) => problems.length > 0)) cli.exitCode = 2;
    if (flags['json']) stdout.write(`${JSON.stringify({ schema: 1, models: checked })}\n`);
    else {
      // Mostly all sides are on one device.
      const devices = [...new Set(checked.map(({ device }) => `device  ${deviceText(device)}`))];
      stdout.write(`${[...checked.map(checkedText), devices.join('\n')].join('\n\n')}\n`);
    }
  });

  const bench = new Command('bench')
    .description(
      'Measure how many fixed inputs a model embeds in a second, decoding included, at several numbers of items a call. With --json one measurement a line.',
    )
    .argument(REF[0], REF[1], 'default')
    .addOption(deviceOption())
    .option('--seconds <number>', 'measure each for so long, at least (default: 3)', wholeNumber)
    .option('--batch <items>', 'items a call; repeatable (default: 1, 4, 8, 16, 32)', batchSizes)
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  $ sluice models bench default --device cpu');
  bench.action(async (model: string, flags: Record<string, unknown>) => {
    using ctx = contextFor(cli, bench);
    const request = {
      ...requestOf(model, flags),
      ...(flags['seconds'] === undefined ? {} : { seconds: flags['seconds'] as number }),
      ...(flags['batch'] === undefined ? {} : { batches: flags['batch'] as number[] }),
    };
    for await (const measured of benchModel(request, { logger: ctx.logger, abort: ctx.signal }))
      stdout.write(`${flags['json'] ? JSON.stringify(measured) : measuredText(measured)}\n`);
  });

  return models.addCommand(list).addCommand(check).addCommand(bench);
}

const requestOf = (model: string, flags: Record<string, unknown>) => ({
  ref: parseModelRef(model),
  devices: (flags['device'] as Device[] | undefined) ?? [],
});

const batchSizes = (value: string, before: number[] = []): number[] => [
  ...before,
  Math.max(1, wholeNumber(value)),
];

function listTable(listed: readonly ListedModel[]): string {
  const rows = listed.map(({ model, source, modality = '?', dimensions, dtype, licence, bytes, problem }) => [
    printable(model),
    modality,
    String(dimensions ?? '?'),
    dtype,
    licence ?? 'not told',
    formatBytes(bytes),
    problem === undefined ? source : printable(problem),
  ]);
  return table([['MODEL', 'TAKES', 'NUMBERS', 'WEIGHTS', 'LICENCE', 'SIZE', 'FROM'], ...rows]);
}

function checkedText(checked: CheckedModel): string {
  const { model, modality, dimensions, normalised, dtype, licence, fingerprint, space, problems } = checked;
  const lines = [
    `${printable(model)} (${modality}): ${problems.length === 0 ? 'all well' : 'cannot be used'}`,
    ...problems.map((problem) => `  problem      ${printable(problem)}`),
    `  vectors      ${dimensions} numbers${normalised ? ', of length 1' : ''}; ${dtype} weights`,
    `  fingerprint  ${fingerprint}`,
    `  space        ${space}`,
    `  alone/batch  cosine ${checked.cosine.toFixed(6)} at least`,
  ];
  if (licence !== undefined) lines.push(`  licence      ${licence}`);
  return lines.join('\n');
}

const deviceText = (device: DeviceReport): string =>
  `${deviceInWords(device)}; ${device.sessions} × ${device.threads} threads`;

const measuredText = ({ model, modality, device, itemsPerSecond, items, seconds }: MeasuredModel): string =>
  `${printable(model)} (${modality})  ${device.got} ${device.sessions} × ${device.threads} threads  ` +
  `${device.deviceBatch} a call  ${itemsPerSecond.toFixed(1)} items/s  (${items} in ${seconds.toFixed(1)} s)`;
