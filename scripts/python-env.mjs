/**
 * Makes the Python environments that the interop tests talk to: `npm run python [<name>…]`, all of them by default.
 *
 * Each is a virtual environment .cache/python/<name> with the packages of test/interop/requirements-<name>.txt.
 * Nothing happens, and nothing is printed, when it holds them already. `PYTHON` names the Python to make it with. A file
 * with a line that begins with `# --no-deps` names all that is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const windows = process.platform === 'win32';
const base = process.env.PYTHON || (windows ? 'python' : 'python3');
const interop = join(root, 'test', 'interop');
const requirementsOf = (name) => join(interop, `requirements-${name}.txt`);
const known = readdirSync(interop).flatMap((file) => /^requirements-(.+)\.txt$/.exec(file)?.[1] ?? []);

const say = (text) => process.stderr.write(`python: ${text}\n`);
const fail = (text) => {
  say(text);
  process.exit(1);
};

/** Runs a command with its output on stderr; whether it succeeded. */
function run(file, args) {
  const { status, error } = spawnSync(file, args, { stdio: ['ignore', 2, 2] });
  if (error) fail(`${file} could not be started (${error.message}); install Python 3.11 or newer.`);
  return status === 0;
}

function prepare(name) {
  const requirements = requirementsOf(name);
  const folder = join(root, '.cache', 'python', name);
  const python = windows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
  const stamp = join(folder, 'requirements.sha256');
  const listed = readFileSync(requirements, 'utf8');
  const wanted = createHash('sha256').update(listed).digest('hex');
  const current = existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (current && spawnSync(python, ['--version']).status === 0) return;

  say(`making the environment "${name}" in ${folder} …`);
  rmSync(folder, { recursive: true, force: true });
  if (!run(base, ['-m', 'venv', folder]))
    fail(`${base} cannot make virtual environments (Debian: apt-get install python3-venv).`);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
  if (/^# --no-deps\b/m.test(listed)) install.push('--no-deps');
  // Networks being networks, once more.
  if (!run(python, [...install, '-r', requirements]) && !run(python, [...install, '-r', requirements]))
    fail(`${requirements} could not be installed; see above for what pip says.`);
  // Last, so that an environment that was cut off is made again.
  writeFileSync(stamp, wanted);
}

const names = process.argv.slice(2);
for (const name of names)
  if (!known.includes(name)) fail(`there is no ${requirementsOf(name)}; there are ${known.join(', ')}.`);
for (const name of names.length > 0 ? names : known) prepare(name);
