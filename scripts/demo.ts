/** The main job on real media: examples/ goes into a fresh ./demo-store, by the commands that a user would type. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const STORE = '--store demo-store';

interface Step {
  title: string;
  command: string;
  /** The exit code that the step must end with: 0 all ok, 2 some items rejected. */
  exits: 0 | 2;
}

const FOLDER = `ingest examples --labels folder --exclude *.zip --exclude *.csv --exclude *.tsv --dataset demo ${STORE}`;

const STEPS: Step[] = [
  {
    title:
      'A folder of photos, sounds, a video and texts; labels are the names of its folders. The platform takes no FLAC.',
    command: FOLDER,
    exits: 2,
  },
  {
    title: 'A CSV that names files beside it, with concepts (some negative), metadata and places.',
    command: `ingest examples/inputs.csv --dataset demo ${STORE}`,
    exits: 0,
  },
  {
    title: "Texts in the columns of the platform's own upload template.",
    command: `ingest examples/reviews.csv --dataset demo ${STORE}`,
    exits: 0,
  },
  {
    title: 'A ZIP of mixed media with a CSV inside.',
    command: `ingest examples/mixed.zip --labels folder --dataset demo ${STORE}`,
    exits: 0,
  },
  { title: 'The folder once more: what is there is skipped, nothing is doubled.', command: FOLDER, exits: 2 },
  { title: 'What the store holds now.', command: `datasets list ${STORE}`, exits: 0 },
  { title: 'Every row has its file and every file its row.', command: `store check ${STORE}`, exits: 0 },
];

function run({ title, command, exits }: Step): void {
  console.log(`\n# ${title}\n$ sluice ${command}\n`);
  const args = ['src/cli/main.ts', ...command.split(' ')];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status === exits) return;
  console.error(`\nThe demo expected exit code ${exits} and got ${status}.`);
  process.exit(1);
}

rmSync(new URL('../demo-store', import.meta.url), { recursive: true, force: true });
for (const step of STEPS) run(step);
console.log(`
The demo's store is ./demo-store. Here "sluice" is spelt "npm run sluice --"; try:

  npm run sluice -- inputs list ${STORE} --dataset demo
  npm run sluice -- ingest <your folder, CSV, TSV or ZIP> --labels folder
  npm run sluice -- --help`);
