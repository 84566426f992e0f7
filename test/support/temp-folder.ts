import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A fresh folder that is removed when the test ends. */
export async function tempFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
