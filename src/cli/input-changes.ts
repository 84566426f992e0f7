import { Command } from 'commander';
import type { Metadata } from '../model/labels.ts';
import type { PatchAction } from '../model/patch.ts';
import { type ChangedInputs, deleteAnnotations, patchInputs } from '../stores/index.ts';
import { actionOption } from './dataset-changes.ts';
import { jsonObject } from './flags.ts';
import { changing, withLock } from './run-command.ts';
import { type Cli, formatCount } from './terminal.ts';

export function inputChangeCommands(cli: Cli): Command[] {
  const patch = withLock(new Command('patch'))
    .description(
      'Change the concepts, metadata, geo, split and annotations of inputs. Overwriting replaces the first three by what is given or by nothing; the media never changes.',
    )
    .argument('<id...>')
    .requiredOption('--data <json>', 'a JSON object in the form of an input line', jsonObject)
    .addOption(actionOption())
    .addHelpText(
      'after',
      `
Examples:
  $ sluice inputs patch chelsea-0123456789abcdef --data '{"concepts": [{"id": "cat"}], "split": "train"}'
  $ sluice inputs patch chelsea-0123456789abcdef --action remove --data '{"metadata": {"draft": true}}'`,
    );
  changing<[string[]]>(cli, patch, async (change, flags, ids) => {
    const given = { action: flags['action'] as PatchAction, patch: flags['data'] as Metadata };
    const changed = await patchInputs(change.store, ids, given, change.options, change.ctx);
    if (changed.missing > 0) cli.exitCode = 2;
    change.say(changed, inWords(changed));
  });

  const annotations = new Command('annotations').description('The annotations of inputs.');
  const remove = withLock(new Command('delete'))
    .description('Delete all annotations of inputs. Their own concepts stay: those go only with the input.')
    .argument('<id...>')
    .addHelpText('after', '\nExample:\n  $ sluice inputs annotations delete chelsea-0123456789abcdef');
  changing<[string[]]>(cli, remove, async (change, _flags, ids) => {
    const changed = await deleteAnnotations(change.store, ids, change.options, change.ctx);
    if (changed.missing > 0) cli.exitCode = 2;
    change.say(changed, inWords(changed));
  });
  return [patch, annotations.addCommand(remove)];
}

const inWords = ({ changed, unchanged, missing }: ChangedInputs): string =>
  [
    `changed ${formatCount(changed)} inputs`,
    ...(unchanged === 0 ? [] : [`${formatCount(unchanged)} stay as they were`]),
    ...(missing === 0 ? [] : [`${formatCount(missing)} were not there`]),
  ].join('; ');
