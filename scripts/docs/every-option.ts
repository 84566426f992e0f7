import { stringify } from 'yaml';
import { z } from 'zod';
import { exporterNames, loadExporter } from '../../src/exporters/index.ts';
import { labelNames, loadLabels } from '../../src/labels/index.ts';
import { loaderNames, loadLoader } from '../../src/loaders/index.ts';
import { runOptions } from '../../src/pipeline/config.ts';
import { exportFields, RUN_FIELDS } from '../../src/pipeline/file/schema.ts';
import { type Property, propertiesOf } from './options.ts';

const WIDTH = 110;

/** pipelines/every-option.yaml: every option with its meaning and its default, from the specs. */
export async function everyOption(): Promise<string> {
  const loaders = await Promise.all(loaderNames.map(loadLoader));
  const labels = await Promise.all(labelNames.map(loadLabels));
  const exporters = await Promise.all(exporterNames.map(loadExporter));
  const [used, ...others] = [...loaders].sort(
    (a, b) => Number(b.name === 'folder') - Number(a.name === 'folder'),
  );
  return [
    '# yaml-language-server: $schema=../docs/schemas/pipeline.json',
    '# biome-ignore-all format: made from the code',
    '#',
    '# Made by "npm run docs" from the code. Every option of a pipeline file, with its meaning and its default; what has',
    '# none, or excludes what is chosen here, is commented out.',
    '',
    'name: every-option',
    '',
    ...comment(
      'Where items come from: a path, whose kind is detected, or a loader with its options, or a list of those.',
    ),
    'source:',
    ...comment(`${used!.summary}.`, 1),
    ...component(used!.name, used!.options, 1, '../examples/photos'),
    ...others.flatMap(({ name, summary, options }) => [
      '',
      ...commentedOut([...comment(`${summary}.`, 1), ...component(name, options, 1, '…')]),
    ]),
    '',
    ...comment('A function of your own for each item: it changes the item, or drops it with a reason.'),
    'transform:',
    ...comment('The module, relative to this file.', 1),
    '  module: modules/tidy.ts',
    ...comment('Name of the exported function.', 1),
    '  export: default',
    '',
    ...section('label', 'Labels for every item.'),
    ...section('validate', 'What is checked, and against which limits.'),
    ...comment('Where labels beside the source are. Relative paths start from the folder of the source.'),
    'annotate: []',
    ...labels.flatMap(({ name, summary, options }) => {
      const title = comment(`${summary}.`, 1);
      const [head, ...fields] = component(name, options, 1);
      const entry = [head!.replace(/^ {2}/, '  - '), ...fields.map((line) => `  ${line}`)];
      return ['', ...commentedOut([...title, ...entry])];
    }),
    '',
    ...section('batch', 'What one request carries.'),
    ...comment('Where items go.'),
    'sink:',
    '  local:',
    ...comment('Folder of the store, relative to this file; --store is stronger.', 2),
    '    store: ../sluice-store',
    ...runFields('local', 2),
    ...comment('Nowhere: everything is read, checked and batched, nothing is written.', 1),
    '  # null: {}',
    '',
    '',
    ...comment('Instead of source and sink: a version of a dataset, and the format that it is written in.'),
    '# export:',
    ...exporters.flatMap(({ name, summary, options }, i) =>
      [
        ...(i === 0 ? [] : ['']),
        ...comment(`${summary}.`, 1),
        `  ${name}:`,
        ...Object.entries(propertiesOf(z.object(exportFields))).flatMap(([field, property]) =>
          optionLines(field, property, 2),
        ),
        ...Object.entries(propertiesOf(options)).flatMap(([field, property]) =>
          optionLines(field, property, 2),
        ),
      ].map((line) => (line === '' ? '' : `# ${line.slice(2)}`)),
    ),
    '',
    ...section('on_failure', 'What rejected and failed items mean for the run.'),
    ...comment('Run by sluice test: given these items, expect these outcomes.'),
    TESTS,
  ].join('\n');
}

const TESTS = `tests:
  - name: the photos come with the labels of their folders
    expect:
      totals: { listed: 12, ok: 12, rejected: 0, failed: 0, skipped: 0 }
      byCode: { INPUT_SUCCESS: 12 }
      byKind: { image: 12 }
      exitCode: 0
      items:
        - uri: animals/chelsea.png
          outcome: ok
          code: INPUT_SUCCESS
          kind: image
          warnings: []
          concepts: []
          annotations: 0
          problems: []
  - name: items may be given right here, and what is wrong is expected, too
    # Instead of items, \`source\` names another source than the pipeline's.
    items:
      - { text: a first text, concepts: [{ id: greeting }], metadata: { language: en }, split: train }
      - { uri: moon.jpg, file: ../examples/photos/space/moon.png, text: the moon }
      - { id: 'not:allowed', text: an id with a colon }
    expect:
      totals: { listed: 3, ok: 2, rejected: 1 }
      exitCode: 2
      items:
        - { uri: item-1.txt, concepts: [greeting], metadata: { language: en }, split: train, text: a first text }
        - { id: 'not:allowed', outcome: rejected, message: colon }
`;

function section(name: Exclude<keyof typeof RUN_FIELDS, 'local'>, meaning: string): string[] {
  return [...comment(meaning), `${name}:`, ...runFields(name, 1), ''];
}

function runFields(name: keyof typeof RUN_FIELDS, depth: number): string[] {
  const known = propertiesOf(runOptions);
  return Object.entries(RUN_FIELDS[name]).flatMap(([field, option]) =>
    optionLines(field, known[option]!, depth),
  );
}

function component(name: string, options: z.ZodType, depth: number, path?: string): string[] {
  const indent = '  '.repeat(depth);
  return [
    `${indent}${name}:`,
    ...(path === undefined ? [] : [`${indent}  path: ${path}`]),
    ...Object.entries(propertiesOf(options)).flatMap(([field, property]) =>
      optionLines(field, property, depth + 1),
    ),
  ];
}

/** One option: its meaning above it, and commented out where it has no default. */
function optionLines(field: string, property: Property, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const choice = property.enum === undefined ? '' : ` (${property.enum.join(', ')})`;
  const value = property.default ?? exampleOf(property);
  const written = stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  const line = `${field}: ${written}`;
  return [
    ...comment(`${property.description ?? ''}${choice}.`, depth),
    property.default === undefined ? `${indent}# ${line}` : `${indent}${line}`,
  ];
}

function exampleOf(property: Property): unknown {
  const [first] = property.anyOf ?? [];
  if (first !== undefined) return exampleOf(first);
  if (property.const !== undefined) return property.const;
  if (property.enum !== undefined) return property.enum[0];
  if (property.type === 'array') return [exampleOf(property.items ?? {})];
  if (property.type === 'object') return {};
  if (property.type === 'boolean') return true;
  if (property.type === 'integer' || property.type === 'number') return Math.max(property.minimum ?? 1, 1);
  return '…';
}

/** A sentence as a comment, wrapped. */
function comment(text: string, depth = 0): string[] {
  const indent = `${'  '.repeat(depth)}# `;
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)!;
    if (last !== '' && indent.length + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `${indent}${line}`);
}

const commentedOut = (lines: readonly string[]): string[] => lines.map((line) => `  # ${line.slice(2)}`);
