/**
 * Runs a command of this project after whatever set-up it still needs: `node scripts/with-setup.mjs vitest run`.
 *
 * Plain JavaScript for the Node of the machine, which may be old: it installs what package-lock.json lists when
 * node_modules does not hold it, then runs the command under the current Node of the `node` dev dependency.
 * Nothing happens, and nothing is printed, when all is in place.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const windows = process.platform === 'win32';
const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
/** The npm that installs where the machine's Node, and so its npm, is too old. */
const NPM = 'npm@11.19.1';

const say = (text) => process.stderr.write(`set-up: ${text}\n`);
const fail = (text) => {
  say(text);
  process.exit(1);
};
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const nodeIn = (folder) => join(folder, 'node', 'bin', windows ? 'node.exe' : 'node');

/** Whether the machine's own Node runs this project: type stripping without a flag came with 22.18. */
function isRecent() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

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

/** The npm that runs this script, or else the one on the PATH, as the head of a command line. */
function machineNpm() {
  const script = process.env.npm_execpath;
  if (script && basename(script) === 'npm-cli.js') return [process.execPath, script];
  return [windows ? 'npm.cmd' : 'npm'];
}

/** Runs npm with its output on stderr, so that a command's own stdout stays clean; tries twice, networks being networks. */
function npm([file, ...head], args, cwd) {
  const run = () =>
    spawnSync(file, [...head, ...args, ...quiet], {
      cwd,
      stdio: ['ignore', 2, 2],
      shell: file.endsWith('.cmd'),
      // An optional dependency of LanceDB would download hundreds of megabytes for NVIDIA cards.
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip' },
    });
  let result = run();
  if (result.error)
    throw new Error(`npm could not be started (${result.error.message}); it comes with Node.js.`);
  if (result.status !== 0) {
    say(`"npm ${args[0]}" failed; trying once more …`);
    result = run();
  }
  if (result.status !== 0) throw new Error(`"npm ${args.join(' ')}" failed; see above for what it says.`);
}

/** Does what the install script of the `node` package does, where npm was told not to run such scripts. */
function completeNode(folder) {
  if (existsSync(nodeIn(folder))) return;
  say('the install script of the "node" package did not run; running it …');
  const cwd = join(folder, 'node');
  spawnSync(process.execPath, [join(cwd, 'installArchSpecificPackage.js')], { cwd, stdio: ['ignore', 2, 2] });
}

/** The same for the packaged ffmpeg and ffprobe, whose scripts make them executable. */
function completeFfmpeg() {
  for (const scope of ['@ffmpeg-installer', '@ffprobe-installer']) {
    const folder = join(modules, scope, `${process.platform}-${process.arch}`);
    if (!existsSync(folder)) continue;
    const tools = readdirSync(folder).filter((name) => /^ff(mpeg|probe)$/.test(name));
    for (const name of tools) chmodSync(join(folder, name), 0o755);
  }
}

/** Runs npm under a current Node: an old one makes npm leave out native packages that ask for a newer one. */
function install() {
  const args = ['ci', '--include=dev', '--include=optional'];
  if (isRecent()) return npm(machineNpm(), args, root);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-setup-'));
  try {
    const node = `node@${readJson(join(root, 'package.json')).devDependencies.node}`;
    npm(machineNpm(), ['install', '--no-save', '--no-package-lock', '--prefix', folder, node, NPM], folder);
    const own = join(folder, 'node_modules');
    completeNode(own);
    const usable = existsSync(nodeIn(own));
    npm(usable ? [nodeIn(own), join(own, 'npm', 'bin', 'npm-cli.js')] : machineNpm(), args, root);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The packaged Node; the machine's own, when it is recent enough, where no packaged one fits the platform. */
function currentNode() {
  const packaged = nodeIn(modules);
  if (existsSync(packaged) && spawnSync(packaged, ['--version']).status === 0) return packaged;
  if (isRecent()) return process.execPath;
  return fail(`no Node 24 could be installed here and ${process.version} is too old; install Node 24 first.`);
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
  try {
    install();
  } catch (error) {
    fail(error.message);
  }
  completeFfmpeg();
}
completeNode(modules);

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
