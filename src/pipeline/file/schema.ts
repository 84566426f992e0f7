import { z } from 'zod';
import { exporterNames, loadExporter } from '../../exporters/index.ts';
import { labelNames, loadLabels } from '../../labels/index.ts';
import { loaderNames, loadLoader } from '../../loaders/index.ts';
import { type RunOptions, runOptions } from '../config.ts';
import { scheduleSchema } from '../schedule/options.ts';
import { reindexSchema } from './reindex-schema.ts';
import { testSchema } from './test-schema.ts';

type RunField = keyof RunOptions;

/** What an export may say beside the options of its format. */
export const exportFields = {
  store: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of the store, relative to this file, or s3://bucket/prefix; --store is stronger'),
  dataset: z.string().min(1).describe('Which dataset'),
  version: z.string().min(1).optional().describe('Which version; one is made unless it is given'),
  filter: z.string().min(1).optional().describe('Annotation filter of a version that is made'),
  out: z.string().min(1).describe('The file or folder to write, relative to this file'),
  overwrite: z.boolean().optional().describe('Replace an earlier export; anything else is left alone'),
};

/** Which section holds which options of a run, by the names that they have there; `validate` holds all others. */
export const SECTIONS = {
  label: { concept: 'concept', metadata: 'metadata', split: 'split' },
  batch: { items: 'batchItems', megabytes: 'batchMegabytes', concurrency: 'concurrency' },
  local: {
    dataset: 'dataset',
    onExisting: 'onExisting',
    onDuplicate: 'onDuplicate',
    onAnnotations: 'onAnnotations',
    media: 'media',
    index: 'index',
    device: 'device',
  },
  on_failure: { maxRejected: 'maxRejected' },
} as const satisfies Record<string, Record<string, RunField>>;

/** What a pipeline does: exactly one of them. */
const TASKS = ['source', 'export', 'reindex'] as const;

const placed = new Set<string>(Object.values(SECTIONS).flatMap((fields) => Object.values(fields)));
const VALIDATE = Object.fromEntries(
  Object.keys(runOptions.shape)
    .filter((field) => !placed.has(field))
    .map((field) => [field, field]),
) as Record<string, RunField>;

/** The options of a run that each section gives, from the names that they have there. */
export const RUN_FIELDS: Record<'validate' | keyof typeof SECTIONS, Record<string, RunField>> = {
  ...SECTIONS,
  validate: VALIDATE,
};

/** The schema of a pipeline file, put together from the specs of the run, the loaders, the label sources and the exporters. */
export async function pipelineSchema(): Promise<z.ZodObject> {
  const [sources, labels, formats] = await Promise.all([sourceSchemas(), labelSchemas(), exportSchemas()]);
  const annotate = z
    .array(oneOf(labels, 'label source', {}))
    .optional()
    .describe(
      'Where labels beside the source are (docs/labels); relative paths start from the source’s folder',
    );
  const entry = oneOf(sources, 'loader', {
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'takes ASCII letters, digits, "_", "." and "-" only')
      .optional()
      .describe('Of one source among several: uris and derived ids begin with it'),
    annotate,
  });
  const path = z.string().min(1);
  const source = z.union(
    [path, entry, z.array(z.union([path, entry], 'expected a path, or a source by its loader')).min(1)],
    {
      error: 'expected a path, a source by its loader (folder: { path: … }), or a list of them',
    },
  );
  return z
    .strictObject({
      name: z.string().min(1).max(200).optional().describe('What to call the pipeline'),
      source: source
        .optional()
        .describe(
          'Where items come from: a path, whose kind is detected, or a loader with its options, or several',
        ),
      transform: z
        .union(
          [
            path,
            z.strictObject({
              module: path.describe('The module, relative to this file'),
              export: path.optional().describe('Name of the exported function; default unless given'),
            }),
          ],
          {
            error: 'expected the path of a module, or { module, export }',
          },
        )
        .optional()
        .describe('A function of your own for each item: it changes the item, or drops it with a reason'),
      label: section('label').describe('Labels for every item'),
      validate: section('validate').describe('What is checked, and against which limits'),
      annotate,
      batch: section('batch').describe('What one request carries'),
      sink: oneOf(
        {
          local: z
            .strictObject({
              store: path
                .optional()
                .describe(
                  'Folder of the store, relative to this file, or s3://bucket/prefix; --store is stronger',
                ),
              ...fieldsOf('local'),
            })
            .describe('The local store'),
          null: z
            .strictObject({})
            .describe('Nowhere: everything is read, checked and batched, nothing is written'),
        },
        'sink',
        {},
      )
        .optional()
        .describe('Where items go; the local store unless given'),
      export: oneOf(formats, 'format', {})
        .optional()
        .describe('Instead of source and sink: a version of a dataset, and the format that it is written in'),
      reindex: reindexSchema
        .optional()
        .describe('Instead of source and sink: bring the index of a store up to its base workflow'),
      schedule: z
        .union([z.string().min(1), scheduleSchema], {
          error: 'expected a cron expression, or { cron, timeZone, overlap, missed }',
        })
        .optional()
        .describe('When sluice schedule runs the pipeline'),
      on_failure: section('on_failure').describe('What rejected and failed items mean for the run'),
      tests: z
        .array(testSchema(source))
        .optional()
        .describe('Run by sluice test: given these items, expect these outcomes'),
    })
    .refine((value) => TASKS.filter((task) => value[task] !== undefined).length > 0, {
      error: 'source, export or reindex is missing',
      // Beside whatever else is wrong.
      when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value),
    })
    .meta({ [ONE_OF]: TASKS });
}

async function sourceSchemas(): Promise<Record<string, z.ZodObject>> {
  const loaders = await Promise.all(loaderNames.map(loadLoader));
  return Object.fromEntries(
    loaders.map(({ name, summary, options }) => {
      const path = z.string().min(1).describe('The source, relative to this file');
      return [name, z.strictObject({ path, ...shapeOf(name, options) }).describe(summary)];
    }),
  );
}

async function exportSchemas(): Promise<Record<string, z.ZodObject>> {
  const exporters = await Promise.all(exporterNames.map(loadExporter));
  return Object.fromEntries(
    exporters.map(({ name, summary, options }) => [
      name,
      z.strictObject({ ...exportFields, ...shapeOf(name, options) }).describe(summary),
    ]),
  );
}

async function labelSchemas(): Promise<Record<string, z.ZodObject>> {
  const sources = await Promise.all(labelNames.map(loadLabels));
  return Object.fromEntries(
    sources.map(({ name, summary, options }) => [
      name,
      z.strictObject(shapeOf(name, options)).describe(summary),
    ]),
  );
}

/** Checks across fields stay with the component, which validates its options once more when it is opened. */
function shapeOf(name: string, options: z.ZodType): z.ZodRawShape {
  if (!(options instanceof z.ZodObject)) throw new Error(`the options of ${name} are no object`);
  return options.shape;
}

function fieldsOf(name: keyof typeof RUN_FIELDS): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(RUN_FIELDS[name]).map(([field, option]) => [field, runOptions.shape[option]]),
  );
}

const section = (name: keyof typeof RUN_FIELDS) => z.strictObject(fieldsOf(name)).optional();

/** An object with exactly one of the components' names as its key, and perhaps fields beside it. */
function oneOf(
  components: Record<string, z.ZodObject>,
  what: string,
  beside: Record<string, z.ZodType>,
): z.ZodObject {
  const names = Object.keys(components);
  const optional = Object.fromEntries(names.map((name) => [name, components[name]!.optional()]));
  return z
    .strictObject({ ...beside, ...optional })
    .refine((value) => names.filter((name) => value[name] !== undefined).length === 1, {
      error: `needs exactly one ${what}: ${names.join(', ')}`,
    })
    .meta({ [ONE_OF]: names });
}

/** Where a schema says which of its keys exclude each other; JSON Schema is given it as `oneOf`. */
export const ONE_OF = 'x-one-of';
