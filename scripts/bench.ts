/** Runs a benchmark of bench/ by its name: `npm run bench -- ingest-images 1000`; without a name it lists them. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BENCH = new URL('../bench/', import.meta.url);
const names = readdirSync(BENCH)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`npm run bench -- <${names.join(' | ')}> [arguments, see the head of bench/<name>.ts]`);
  process.exit(1);
}
const script = fileURLToPath(new URL(`${name}.ts`, BENCH));
const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
process.exit(status ?? 1);
