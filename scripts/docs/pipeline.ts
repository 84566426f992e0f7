// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the page explains references to the environment
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { exporterNames } from '../../src/exporters/index.ts';
import { labelNames } from '../../src/labels/index.ts';
import { loaderNames } from '../../src/loaders/index.ts';
import { exportFields, ONE_OF, pipelineSchema } from '../../src/pipeline/file/schema.ts';
import { code, page, table } from './markdown.ts';
import { optionsTable, type Property, propertiesOf, typeOf } from './options.ts';

const EXAMPLE = new URL('../../pipelines/labelled-image-folder.yaml', import.meta.url);
const EXPORT_EXAMPLE = new URL('../../pipelines/export-coco.yaml', import.meta.url);

/** docs/schemas/pipeline.json: with it editors complete and check pipeline files. */
export async function pipelineJsonSchema(): Promise<string> {
  const schema = z.toJSONSchema(await pipelineSchema(), {
    io: 'input',
    unrepresentable: 'any',
    override({ jsonSchema }) {
      const exclusive = jsonSchema[ONE_OF] as string[] | undefined;
      if (exclusive !== undefined) {
        jsonSchema.oneOf = exclusive.map((name) => ({
          type: 'object',
          properties: { [name]: {} },
          required: [name],
        }));
        delete jsonSchema[ONE_OF];
      }
      // A number is taken for a text as it is written, as in `maxRejected: 10`.
      if (jsonSchema.pattern !== undefined && jsonSchema.type === 'string') {
        jsonSchema.type = ['string', 'number'] as never;
      }
    },
  });
  return `${JSON.stringify({ title: 'Sluice pipeline', ...schema }, null, 2)}\n`;
}

/** docs/pipeline.md: what stands in a pipeline file. */
export async function pipelinePage(): Promise<string> {
  const schema = await pipelineSchema();
  const field = (name: string): z.ZodType => unwrapped(schema.shape[name] as z.ZodType);
  const list = (room: string, names: readonly string[]) =>
    names.map((name) => `[${name}](${room}/${name}.md)`).join(', ');
  const sink = propertiesOf(field('sink'));
  const test = propertiesOf((field('tests') as z.ZodArray).element as z.ZodType);
  return page(
    '# Pipeline files',
    'A pipeline file says once what a run is: where items come from, what is done with them, where they go. It is kept ' +
      'beside the data, checked, tested and run again.',
    '```sh\nsluice lint pipelines/*.yaml      # everything that is wrong, by line\nsluice inspect photos.yaml        # what would be read\n' +
      'sluice test pipelines/            # the tests that stand in the files\nsluice run photos.yaml\n```',
    `\`\`\`yaml\n${readFileSync(EXAMPLE, 'utf8').trim()}\n\`\`\``,
    `[every-option.yaml](../pipelines/every-option.yaml) shows every option with its default. The first line above lets ` +
      'editors with a YAML language server complete and check the file by its [JSON Schema](schemas/pipeline.json).',
    'The file is YAML 1.2 of at most 1 MB, without tags and without a key twice. Unknown keys are errors. Relative paths ' +
      `start from the folder of the file. A reference to the environment, ${code('${NAME}')}, is for secrets only: ` +
      'everything else that a run does is in its file.',
    `In TypeScript the same object is typed as ${code('PipelineFile')}, and ${code('runPipeline({ pipeline, store })')} runs it.`,
    table(
      ['key', 'meaning'],
      Object.entries(propertiesOf(schema)).map(([name, { description }]) => [code(name), description ?? '']),
    ),
    '## source',
    `A path (${code('source: photos/')}), whose kind is detected; or a loader with its ${code('path')} and its options ` +
      `(${code('source: { folder: { path: photos/, labels: folder } }')}); or a list of those, each with a ${code('name')} ` +
      `if you like, and with its own ${code('annotate')}. Loaders: ${list('loaders', loaderNames)}.`,
    '## transform',
    `${code('transform: ./clean.ts')} names a module whose default export is called with each item, before it is read; ` +
      `${code('{ module, export }')} names another export. TypeScript is run as it is. The function changes the item in ` +
      'place, or returns a changed copy:',
    "```ts\nimport type { Transform } from 'sluice';\n\nconst clean: Transform = (item, ctx) => {\n" +
      "  if (item.uri.includes('draft')) return ctx.drop('a draft');\n  item.metadata.batch = 7;\n};\nexport default clean;\n```",
    'It may change everything but the uri and the bytes. What it throws is that item’s outcome (`TRANSFORM_FAILED`), what ' +
      'it drops is skipped with its reason (`TRANSFORM_DROPPED`). Sixteen items are transformed at once; their order is kept.',
    ...['label', 'validate'].flatMap((name) => [`## ${name}`, optionsTable(field(name))]),
    '## annotate',
    `Labels that lie beside the source, by the label source that reads them: ${list('labels', labelNames)}. Relative ` +
      'paths start from the folder of the source; of a file, from the folder that it lies in.',
    '## batch',
    optionsTable(field('batch')),
    '## sink',
    `${code('local')}: ${sink['local']!.description}.`,
    rowsOf(sink['local']!),
    `${code('null: {}')}: ${sink['null']!.description}.`,
    '## export',
    'A pipeline either brings items into a store, or writes a version of a dataset out of it. The latter has `export` ' +
      `instead of ${code('source')}, ${code('sink')} and what lies between, by its format: ${list('exporters', exporterNames)}. ` +
      'Beside the options of the format it says:',
    table(
      ['field', 'meaning'],
      Object.entries(propertiesOf(z.object(exportFields))).map(([name, { description }]) => [
        code(name),
        description ?? '',
      ]),
    ),
    `\`\`\`yaml\n${readFileSync(EXPORT_EXAMPLE, 'utf8').trim()}\n\`\`\``,
    'Its tests say in `source` or `items` what the dataset is to have; annotation filters are not looked at there.',
    '## on_failure',
    optionsTable(field('on_failure')),
    '## tests',
    'Each test runs in a temporary store. Without `source` and `items` it reads the source of the pipeline.',
    rowsOf({ properties: test }),
    `In ${code('expect')}:`,
    rowsOf(test['expect']!),
    `In ${code('expect.items')}:`,
    rowsOf(test['expect']!.properties!['items']!.items!),
  );
}

/** Without what makes a field optional. */
function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
}

function rowsOf({ properties = {} }: Property): string {
  const rows = Object.entries(properties).map(([name, property]) => [
    code(name),
    code(shortType(property)),
    property.default === undefined ? '' : code(JSON.stringify(property.default)),
    property.description ?? '',
  ]);
  return table(['field', 'type', 'default', 'meaning'], rows);
}

/** A union of whole components, or of all codes, would fill the page. */
function shortType(property: Property): string {
  const type = typeOf(property);
  return type.length > 100 ? (property.enum === undefined ? 'object' : 'string') : type;
}
