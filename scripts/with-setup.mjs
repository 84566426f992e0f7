/**
 * Runs a command of this project after whatever set-up it still needs: `node scripts/with-setup.mjs vitest run`.
 *
 * Plain JavaScript for the Node of the machine, which may be old: it installs what package-lock.json lists when
 * node_modules does not hold it, then runs the command under the current Node of the `node` dev dependency.
 * Nothing happens, and nothing is printed, when all is in place.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const windows = process.platform === 'win32';
const devNode = join(modules, 'node', 'bin', windows ? 'node.exe' : 'node');

const say = (text) => process.stderr.write(`set-up: ${text}\n`);
const fail = (text) => {
  say(text);
  process.exit(1);
};
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Why node_modules cannot be used as it is; undefined when it agrees with package-lock.json. */
function staleness() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return 'nothing is installed yet';
  const installed = readJson(record).packages;
  for (const [path, locked] of Object.entries(readJson(join(root, 'package-lock.json')).packages)) {
    if (path === '') continue;
    if (installed[path] === undefined ? !locked.optional : installed[path].version !== locked.version) {
      return `${path} is not ${locked.version}`;
    }
  }
  return undefined;
}

/** Runs npm with its output on stderr, so that a command's own stdout stays clean. */
function npm(args) {
  const viaNpm = process.env.npm_execpath;
  const [file, ...head] =
    viaNpm && basename(viaNpm).startsWith('npm-cli')
      ? [process.execPath, viaNpm]
      : [windows ? 'npm.cmd' : 'npm'];
  const run = spawnSync(file, [...head, ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: file.endsWith('.cmd'),
  });
  if (run.error) fail(`npm could not be started (${run.error.message}); it comes with Node.js.`);
  if (run.status !== 0) fail(`"npm ${args.join(' ')}" failed; correct what it says above, then try again.`);
}

/** Does what the install scripts of `node` and the ffmpeg packages do, where npm was told not to run them. */
function repairBlockedScripts() {
  if (!existsSync(devNode)) {
    say('the install script of the "node" package did not run; running it …');
    const script = join(modules, 'node', 'installArchSpecificPackage.js');
    spawnSync(process.execPath, [script], { cwd: join(modules, 'node'), stdio: ['ignore', 2, 2] });
  }
  for (const scope of ['@ffmpeg-installer', '@ffprobe-installer']) {
    const folder = join(modules, scope, `${process.platform}-${process.arch}`);
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder))
      if (/^ff(mpeg|probe)$/.test(name)) chmodSync(join(folder, name), 0o755);
  }
}

/** The packaged Node; the machine's own, when it is recent enough, where no packaged one fits the platform. */
function currentNode() {
  if (existsSync(devNode) && spawnSync(devNode, ['--version']).status === 0) return devNode;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  return fail(
    `no Node 24 could be installed here, and ${process.version} is too old: install Node 24 first.`,
  );
}

/** The script behind a package's command, so that it runs under the chosen Node on every system. */
function scriptOf(command) {
  const { dependencies, devDependencies } = readJson(join(root, 'package.json'));
  for (const name of Object.keys({ ...devDependencies, ...dependencies })) {
    const manifest = join(modules, name, 'package.json');
    if (!existsSync(manifest)) continue;
    const { bin } = readJson(manifest);
    const script = typeof bin === 'string' ? basename(name) === command && bin : bin?.[command];
    if (script) return join(modules, name, script);
  }
  return fail(`no dependency of this project provides "${command}".`);
}

const [command, ...args] = process.argv.slice(2);
const reason = staleness();
if (reason !== undefined) {
  say(`installing the dependencies and Node 24 into node_modules (${reason}) …`);
  npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']);
}
if (reason !== undefined || !existsSync(devNode)) repairBlockedScripts();

const node = currentNode();
const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') || 'PATH';
const path = [join(modules, '.bin'), process.env[pathName]].join(delimiter);
const child = spawn(node, command === 'node' ? args : [scriptOf(command), ...args], {
  stdio: 'inherit',
  env: { ...process.env, [pathName]: path },
});
// A terminal sends SIGINT to the child as well; waiting for the child lets it end its work and name the way back.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
