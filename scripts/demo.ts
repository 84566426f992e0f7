/** The main job on real media: examples/ goes into a fresh ./demo-store, by the commands that a user would type. */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const store = ['--store', 'demo-store'];
const target = ['--dataset', 'demo', ...store];
const pipeline = ['run', 'pipelines/labels-from-everywhere.yaml', ...store];

interface Step {
  title: string;
  args: string[];
  /** The exit code that the step must end with: 0 all ok, 2 some items rejected. */
  exits: 0 | 2;
}

const DEFAULTS = ['--text', 'default', '--image', 'default', '--audio', 'default', '--video', 'default'];

const STEPS: Step[] = [
  {
    title: 'A base workflow: what every input is embedded by from now on. These models need no download.',
    args: ['workflow', 'set', 'general', ...DEFAULTS, ...store],
    exits: 0,
  },
  {
    title:
      'One pipeline file: photos and sounds labelled by their folders, a CSV with concepts and places, images with a COCO file, images with masks. The platform takes no FLAC.',
    args: pipeline,
    exits: 2,
  },
  {
    title: 'The same once more: what is there is skipped, nothing is doubled.',
    args: pipeline,
    exits: 2,
  },
  {
    title: 'The FLAC again, converted on request.',
    args: ['ingest', 'examples/sounds/guitar', '--labels', 'folder', '--repair', 'transcode', ...target],
    exits: 0,
  },
  {
    title: 'A ZIP of mixed media with a CSV inside.',
    args: ['ingest', 'examples/mixed.zip', '--labels', 'folder', ...target],
    exits: 0,
  },
  {
    title: "Texts in the columns of the platform's own upload template.",
    args: ['ingest', 'examples/reviews.csv', ...target],
    exits: 0,
  },
  {
    title: 'Poems and descriptions, whose labels are the names of their folders.',
    args: ['ingest', 'examples/texts', '--labels', 'folder', ...target],
    exits: 0,
  },
  {
    title: 'Search by meaning: texts by a text …',
    args: ['search', '--text', 'a warm drink in the morning', '--top', '3', ...store],
    exits: 0,
  },
  {
    title: '… photos by a photo …',
    args: ['search', '--image', 'examples/coco/images/chelsea.jpg', '--top', '3', ...store],
    exits: 0,
  },
  {
    title: '… and sounds by a sound.',
    args: ['search', '--audio', 'examples/sounds/bells/elec_bell.wav', '--top', '3', ...store],
    exits: 0,
  },
  {
    title: 'Another workflow: it also embeds every box of the annotations. The old index goes on answering …',
    args: ['workflow', 'set', 'with-regions', ...DEFAULTS, '--regions', ...store],
    exits: 0,
  },
  {
    title: '… until the re-index is through; what has not changed is not embedded again.',
    args: ['reindex', ...store],
    exits: 0,
  },
  {
    title: 'Now objects can be found, too.',
    args: ['search', '--image', 'examples/photos/animals/chelsea.png', '--objects', '--top', '3', ...store],
    exits: 0,
  },
  { title: 'And back again, at once.', args: ['workflow', 'revert', ...store], exits: 0 },
  {
    title: 'Each pipeline file says what it expects, and is tested by it.',
    args: ['test', 'pipelines'],
    exits: 0,
  },
  { title: 'What the store holds now.', args: ['datasets', 'show', 'demo', ...store], exits: 0 },
  {
    title: 'A version: the data set as it is now, whatever happens to the store later.',
    args: ['datasets', 'version', 'demo', '--id', 'v1', '--description', 'The examples', ...store],
    exits: 0,
  },
  {
    title: "The version as the platform's own archive of protobuf, with the media inside.",
    args: ['export', 'demo@v1', '--format', 'protobuf', '--out', 'demo-exports/demo.zip', ...store],
    exits: 0,
  },
  {
    title: 'As the archive of JSON.',
    args: ['export', 'demo@v1', '--format', 'json', '--out', 'demo-exports/demo-json.zip', ...store],
    exits: 0,
  },
  {
    title: 'As COCO, for training; what COCO cannot carry is counted.',
    args: ['export', 'demo@v1', '--format', 'coco', '--out', 'demo-exports/coco', ...store],
    exits: 0,
  },
  { title: 'Every row has its file and every file its row.', args: ['store', 'check', ...store], exits: 0 },
];

const quoted = (word: string): string => (/[*\s]/.test(word) ? `'${word}'` : word);

function run({ title, args, exits }: Step): void {
  console.log(`\n# ${title}\n$ sluice ${args.map(quoted).join(' ')}\n`);
  const { status } = spawnSync(process.execPath, ['src/cli/main.ts', ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status === exits) return;
  console.error(`\nThe demo expected exit code ${exits} and got ${status}.`);
  process.exit(1);
}

for (const folder of ['demo-store', 'demo-exports']) {
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
}
for (const step of STEPS) run(step);
const [firstRun] = readdirSync(new URL('../demo-store/runs', import.meta.url)).sort();
const page = `demo-store/runs/${firstRun}/report.html`;
console.log(`
The page of the first run, to open in a browser: ${page}

The store is ./demo-store. In this checkout "sluice" is spelt "npm run sluice --"; try:

  npm run sluice -- inputs list ${target.join(' ')}
  npm run sluice -- ingest <your folder, CSV, TSV or ZIP> --labels folder
  npm run sluice -- inspect pipelines/coco-annotated-images.yaml
  npm run sluice -- export demo@v1 --format webdataset --out demo-exports/shards --store demo-store
  npm run sluice -- --help`);
