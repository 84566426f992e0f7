import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

const SAMPLE_MS = 20;

export interface Measured {
  seconds: number;
  /** Peak of the resident memory of the process and its children together, in MB of 1 000 000 bytes. */
  peakMb: number;
  stdout: string;
}

/** Runs a script as a process of its own and measures it whole. Linux: children are counted through /proc. */
export async function measure(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const began = performance.now();
  const child = spawn(process.execPath, [...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  let peakMb = 0;
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(child.pid!));
  }, SAMPLE_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`);
  return { seconds: (performance.now() - began) / 1000, peakMb, stdout };
}

/** Resident memory of a process and all below it. */
function residentMb(root: number): number {
  const parents = new Map<number, number>();
  const resident = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      parents.set(pid, Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
      resident.set(pid, (Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024) / 1e6);
    } catch {
      // The process ended while it was looked at.
    }
  }
  let sum = 0;
  for (const pid of resident.keys()) {
    for (let at: number | undefined = pid; at !== undefined && at > 0; at = parents.get(at)) {
      if (at === root) {
        sum += resident.get(pid)!;
        break;
      }
    }
  }
  return sum;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** One line that says on what the numbers were taken, with the versions of the packages that they depend on. */
export function machine(...packages: string[]): string {
  const memory = `${Math.round(totalmem() / 1e9)} GB`;
  const versions = packages.map((name) => `, ${name} ${versionOf(name)}`).join('');
  return `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ${memory}, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}${versions}`;
}

function versionOf(name: string): string {
  const manifest = readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
