import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { hostname, platform } from 'node:os';
import { promisify } from 'node:util';

/**
 * Names the set of processes that a process id is unique in: the host, and on Linux also this boot and the process
 * namespace, because containers may share a host name and never share process ids.
 */
export async function processSpace(): Promise<string> {
  if (platform() !== 'linux') return hostname();
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return [hostname(), boot.trim(), namespace].join(' ');
}

export interface ProcessState {
  alive: boolean;
  /** Differs between two processes that had the same id; undefined where the platform does not tell. */
  start?: string;
}

/** Whether a process of this space runs, and since when. */
export async function processState(pid: number): Promise<ProcessState> {
  if (!exists(pid)) return { alive: false };
  if (platform() === 'linux') return linuxState(pid);
  if (platform() === 'win32') return { alive: true };
  const start = await psStart(pid);
  return start === undefined ? { alive: true } : { alive: true, start };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is such a process, and it belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function linuxState(pid: number): Promise<ProcessState> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return { alive: exists(pid) };
  }
  // proc_pid_stat(5): the second field, in parentheses, may hold anything; state is field 3, starttime field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields[0], fields[19]];
  // A zombie has ended; only its parent has not asked for the exit code.
  if (state === 'Z' || state === 'X') return { alive: false };
  return start === undefined ? { alive: true } : { alive: true, start };
}

async function psStart(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], {
      env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
    });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}
