/** The main job on real media: examples/ goes into a fresh ./demo-store, by the commands that a user would type. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const store = ['--store', 'demo-store'];
const target = ['--dataset', 'demo', ...store];
const tables = ['*.zip', '*.csv', '*.tsv'].flatMap((pattern) => ['--exclude', pattern]);
const folder = ['ingest', 'examples', '--labels', 'folder', ...tables, ...target];

interface Step {
  title: string;
  args: string[];
  /** The exit code that the step must end with: 0 all ok, 2 some items rejected. */
  exits: 0 | 2;
}

const STEPS: Step[] = [
  {
    title:
      'Photos, sounds, a video and texts; the names of their folders are labels. The platform takes no FLAC.',
    args: folder,
    exits: 2,
  },
  {
    title: 'A CSV that names files beside it, with concepts (some negative), metadata and places.',
    args: ['ingest', 'examples/inputs.csv', ...target],
    exits: 0,
  },
  {
    title: "Texts in the columns of the platform's own upload template.",
    args: ['ingest', 'examples/reviews.csv', ...target],
    exits: 0,
  },
  {
    title: 'A ZIP of mixed media with a CSV inside.',
    args: ['ingest', 'examples/mixed.zip', '--labels', 'folder', ...target],
    exits: 0,
  },
  {
    title: 'The folder once more: what is there is skipped, nothing is doubled.',
    args: folder,
    exits: 2,
  },
  { title: 'What the store holds now.', args: ['datasets', 'list', ...store], exits: 0 },
  { title: 'One input of the CSV.', args: ['inputs', 'get', 'falcon-9-launch', ...store], exits: 0 },
  { title: 'Every row has its file and every file its row.', args: ['store', 'check', ...store], exits: 0 },
];

const quoted = (word: string): string => (word.includes('*') ? `'${word}'` : word);

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

rmSync(new URL('../demo-store', import.meta.url), { recursive: true, force: true });
for (const step of STEPS) run(step);
console.log(`
The store is ./demo-store. In this checkout "sluice" is spelt "npm run sluice --"; try:

  npm run sluice -- inputs list ${target.join(' ')}
  npm run sluice -- ingest <your folder, CSV, TSV or ZIP> --labels folder
  npm run sluice -- --help`);
