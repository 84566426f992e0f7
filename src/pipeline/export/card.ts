import { stringify } from 'yaml';
import type { DatasetVersion } from '../../model/dataset.ts';
import type { ExportResult, Loss } from '../../model/export.ts';
import { formatBytes, formatCount } from '../wording.ts';
import { code, plain, table } from './markdown.ts';

export interface Card {
  version: DatasetVersion;
  /** Of the dataset's metadata; absent where it says nothing. */
  license: string | undefined;
  /** The command line that makes this export again. */
  command: string;
  format: string;
  losses: readonly Loss[];
  result: ExportResult;
  /** Path of the picture of samples, from the card. */
  samples?: string;
}

/** Rows of the table of concepts; what there is beyond them is counted. */
const MAX_CONCEPTS = 100;

/**
 * The dataset card, as Hugging Face and others read it: YAML, then Markdown. Made of the version and what became of it
 * alone, so that the same version gives the same card.
 */
export function renderCard(card: Card): string {
  const { version, samples } = card;
  const sections = [
    `# ${plain(version.dataset)}`,
    version.description === undefined ? undefined : plain(version.description),
    facts(card),
    samples === undefined ? undefined : `## Samples\n\n![Some of the images](${samples})`,
    splits(version),
    concepts(version),
    annotations(card),
    losses(card),
    `## Licence\n\n${license(card.license)}`,
    `## How it was made\n\n\`\`\`sh\n${card.command}\n\`\`\``,
  ];
  return `---\n${frontMatter(card)}---\n\n${sections.filter((part) => part !== undefined).join('\n\n')}\n`;
}

function frontMatter({ version, license: given, format }: Card): string {
  return stringify({
    pretty_name: version.dataset,
    ...(given === undefined ? { license: 'other', license_name: 'unspecified' } : { license: given }),
    ...tasksOf(version),
    size_categories: [sizeCategory(version.metrics.inputsCount)],
    tags: ['sluice', format],
  });
}

/** What the labels are good for, in the words of the hub. */
function tasksOf({ metrics, inputsByKind }: DatasetVersion): { task_categories?: string[] } {
  const kinds = Object.keys(inputsByKind);
  const hasImages = kinds.includes('image');
  // Of several kinds the counts do not say which of them the labels are of.
  const [only] = kinds.length === 1 ? kinds : [];
  const tasks = [
    [`${only}-classification`, only !== undefined && metrics.positiveInputTagsCount > 0],
    ['object-detection', hasImages && metrics.boundingBoxesCount > 0],
    ['image-segmentation', hasImages && metrics.polygonsCount + metrics.masksCount > 0],
  ] as const;
  const fitting = tasks.filter(([, fits]) => fits).map(([task]) => task);
  return fitting.length === 0 ? {} : { task_categories: fitting };
}

/** As the hub has them: `n<1K`, `1K<n<10K` … `n>1T`. */
function sizeCategory(count: number): string {
  const steps = ['1K', '10K', '100K', '1M', '10M', '100M', '1B', '10B', '100B', '1T'];
  const at = steps.findIndex((_, i) => count < 10 ** (i + 3));
  if (at === 0) return 'n<1K';
  return at === -1 ? 'n>1T' : `${steps[at - 1]}<n<${steps[at]}`;
}

function facts({ version, format, result }: Card): string {
  const { metrics, inputsByKind } = version;
  const kinds = Object.entries(inputsByKind).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  const rows = [
    ['version', code(version.id)],
    ...(version.name === undefined ? [] : [['name', plain(version.name)]]),
    ['made', version.createdAt],
    ['content', code(version.contentHash)],
    ['format', code(format)],
    ['inputs', `${formatCount(metrics.inputsCount)}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`],
    ['bytes of media', formatBytes(version.bytes)],
    ['annotations', formatCount(result.annotations.written)],
    ['unlabelled inputs', formatCount(metrics.unlabeledInputsCount)],
  ];
  return table(['', ''], rows);
}

function splits({ inputsBySplit, metrics }: DatasetVersion): string | undefined {
  const rows = Object.entries(inputsBySplit).map(([split, count]) => [plain(split), formatCount(count)]);
  if (rows.length === 0) return undefined;
  const placed = Object.values(inputsBySplit).reduce((sum, count) => sum + count, 0);
  const rest = metrics.inputsCount - placed;
  if (rest > 0) rows.push(['(none)', formatCount(rest)]);
  return `## Splits\n\n${table(['split', 'inputs'], rows)}`;
}

function concepts({ concepts: all }: DatasetVersion): string | undefined {
  const counted = Object.entries(all);
  if (counted.length === 0) return undefined;
  counted.sort(([a, x], [b, y]) => y.positive - x.positive || (a < b ? -1 : 1));
  const rows = counted
    .slice(0, MAX_CONCEPTS)
    .map(([id, { name, positive, negative, regions }]) => [
      code(id).replaceAll('|', '\\|'),
      plain(name),
      formatCount(positive),
      formatCount(negative),
      formatCount(regions),
    ]);
  const more = counted.length - rows.length;
  const rest = more > 0 ? `\n\nAnd ${formatCount(more)} more.` : '';
  return `## Concepts\n\n${table(['id', 'name', 'present', 'negative', 'of regions'], rows)}${rest}`;
}

function annotations({ version, result }: Card): string {
  const { metrics, annotationsLeftOut, filterId, filter } = version;
  const rows = [
    ['boxes', metrics.boundingBoxesCount],
    ['polygons', metrics.polygonsCount],
    ['masks', metrics.masksCount],
    ['points', metrics.pointsCount],
    ['frames', metrics.framesCount],
  ] as const;
  const parts = rows.filter(([, count]) => count > 0).map(([what, count]) => [what, formatCount(count)]);
  const { written, leftOut } = result.annotations;
  const told = [
    written + leftOut === 0
      ? 'The exported inputs have none.'
      : `The version has ${formatCount(written + leftOut)} annotations of exported inputs: ${formatCount(written)} are in the files, ${formatCount(leftOut)} are not.`,
    annotationsLeftOut === 0
      ? undefined
      : `${formatCount(annotationsLeftOut)} were kept out of the version by ${filterId !== undefined ? `the filter ${code(filterId)}` : filter !== undefined ? 'its filter' : 'their status'}.`,
  ].filter((line) => line !== undefined);
  const shown = parts.length === 0 ? '' : `\n\n${table(['regions and frames', ''], parts)}`;
  return `## Annotations\n\n${told.join(' ')}${shown}`;
}

function losses({ losses: known, result, format }: Card): string {
  const title = `## What ${code(format)} cannot carry`;
  if (known.length === 0) return `${title}\n\nNothing: it carries all of it.`;
  const rows = known.map(({ id, what, instead }) => [
    plain(what),
    plain(instead),
    formatCount(result.losses[id] ?? 0),
  ]);
  return `${title}\n\n${table(['what', 'what becomes of it', 'here'], rows)}`;
}

const license = (given: string | undefined): string =>
  given === undefined
    ? 'Unspecified. Whoever publishes this must know the terms of the media and of the labels.'
    : plain(given);
