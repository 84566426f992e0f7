/** Writes the pages under docs/ that are made from the code; `--check` fails instead where one is out of date. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cliPages } from './docs/cli.ts';
import { errorsPage } from './docs/errors.ts';
import { everyOption } from './docs/every-option.ts';
import { exporterPages } from './docs/exporters.ts';
import { labelPages } from './docs/labels.ts';
import { limitsPage } from './docs/limits.ts';
import { loaderPages } from './docs/loaders.ts';
import { pipelineJsonSchema, pipelinePage } from './docs/pipeline.ts';
import { schemaPages } from './docs/schemas.ts';

const DOCS = fileURLToPath(new URL('../docs', import.meta.url));
/** Folders that hold generated pages alone; a page of theirs that is no longer made is removed. */
const GENERATED = ['cli', 'exporters', 'labels', 'loaders', 'schemas'];

/** Content by path below docs/. */
const pages = new Map<string, string>([
  ['errors.md', errorsPage()],
  ['limits.md', limitsPage()],
  ['pipeline.md', await pipelinePage()],
  ['schemas/pipeline.json', await pipelineJsonSchema()],
  ['../pipelines/every-option.yaml', await everyOption()],
  ...(await loaderPages()),
  ...(await labelPages()),
  ...(await exporterPages()),
  ...(await cliPages()),
  ...schemaPages(),
]);

const present = readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll(sep, '/'))
  .filter((name) => pages.has(name) || (GENERATED.includes(dirname(name)) && /\.\w+$/.test(name)));
const left = present.filter((name) => !pages.has(name));
const stale = [...pages].filter(
  ([name, content]) => !existsSync(join(DOCS, name)) || readFileSync(join(DOCS, name), 'utf8') !== content,
);

if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`docs/${name} is out of date`);
  for (const name of left) console.error(`docs/${name} is no longer made`);
  if (stale.length + left.length > 0) {
    console.error('Run: npm run docs');
    process.exit(1);
  }
  console.log(`${pages.size} pages are up to date`);
} else {
  for (const [name, content] of stale) {
    mkdirSync(dirname(join(DOCS, name)), { recursive: true });
    writeFileSync(join(DOCS, name), content);
  }
  for (const name of left) rmSync(join(DOCS, name));
  console.log(`${pages.size} pages: ${stale.length} written, ${left.length} removed`);
}
