import { readdir, readlink } from 'node:fs/promises';

/** How often this process has the file open; undefined where the system does not tell. */
export async function openCount(path: string): Promise<number | undefined> {
  const fds = await readdir('/proc/self/fd').catch(() => undefined);
  if (fds === undefined) return undefined;
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target === path).length;
}
