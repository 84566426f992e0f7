import { randomUUID } from 'node:crypto';
import { access, chmod, constants, copyFile, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * The path under which this user may run a packaged program: its own, made executable where npm ran no install
 * scripts, or that of a copy in `cacheDir` where its mode may not be changed.
 */
export async function makeExecutable(program: string, cacheDir: string): Promise<string> {
  const runs = () => access(program, constants.X_OK);
  try {
    await runs().catch(async () => {
      await chmod(program, 0o755);
      await runs();
    });
    return program;
  } catch {
    return copyToCache(program, cacheDir);
  }
}

/** Copies a program into a folder that only this user may write to; a copy that is there already is used again. */
export async function copyToCache(program: string, cacheDir: string): Promise<string> {
  const { size, mtimeMs } = await stat(program);
  await privateFolder(cacheDir);
  const copy = join(cacheDir, `${size}-${Math.trunc(mtimeMs)}-${basename(program)}`);
  const known = await stat(copy).catch(() => undefined);
  if (known?.size === size) return copy;
  const part = join(cacheDir, `${randomUUID()}.part`);
  try {
    await copyFile(program, part);
    await chmod(part, 0o755);
    await rename(part, copy);
  } finally {
    await rm(part, { force: true });
  }
  return copy;
}

/** Refuses a folder that another user could have put programs into. */
async function privateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const folder = await lstat(path);
  const mine =
    process.getuid === undefined || (folder.uid === process.getuid() && (folder.mode & 0o022) === 0);
  if (!folder.isDirectory() || !mine) throw new Error(`${path} is not a folder of this user alone`);
}
