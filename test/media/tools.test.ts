import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyToCache, makeExecutable } from '../../src/media/executable.ts';
import { runTool } from '../../src/media/run-tool.ts';
import { findTools } from '../../src/media/tools.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { errorOf, signal } from './fixtures.ts';

const posix = process.platform !== 'win32';
const script = (body: string) => `#!/bin/sh\n${body}\n`;

describe('findTools', () => {
  it('falls back to the packages from npm and says so', async () => {
    const { ffprobe, ffmpeg } = await findTools({ path: '' });
    expect(ffprobe).toMatchObject({ from: 'npm', path: expect.stringContaining('@ffprobe-installer') });
    expect(ffmpeg).toMatchObject({ from: 'npm', path: expect.stringContaining('@ffmpeg-installer') });
    expect(ffprobe.version).not.toBe('');
  });

  it.runIf(posix)('prefers those on the PATH, in its order', async () => {
    const [first, second] = [await tempFolder(), await tempFolder()];
    for (const [folder, version] of [
      [first, '7.1'],
      [second, '4.4'],
    ] as const) {
      for (const name of ['ffprobe', 'ffmpeg']) {
        await writeFile(join(folder, name), script(`echo "${name} version ${version} Copyright"`), {
          mode: 0o755,
        });
      }
    }
    const { ffprobe, ffmpeg } = await findTools({ path: [first, second].join(delimiter) });
    expect(ffprobe).toEqual({ path: join(first, 'ffprobe'), version: '7.1', from: 'system' });
    expect(ffmpeg).toEqual({ path: join(first, 'ffmpeg'), version: '7.1', from: 'system' });
  });

  it.runIf(posix)(
    'passes over a program that does not answer, and over folders relative to the current one',
    async () => {
      const folder = await tempFolder();
      await writeFile(join(folder, 'ffprobe'), script('exit 1'), { mode: 0o755 });
      await mkdir(join(folder, 'ffmpeg'));
      const { ffprobe, ffmpeg } = await findTools({ path: ['.', '', folder].join(delimiter) });
      expect([ffprobe.from, ffmpeg.from]).toEqual(['npm', 'npm']);
    },
  );
});

describe.runIf(posix)('makeExecutable', () => {
  it('gives a program the mode that npm did not', async () => {
    const program = join(await tempFolder(), 'tool');
    await writeFile(program, script('echo hello'), { mode: 0o644 });
    expect(await makeExecutable(program, await tempFolder())).toBe(program);
    const { stdout } = await runTool({ path: program, from: 'system' }, [], limits());
    expect(stdout).toBe('hello\n');
  });

  it('copies a program once into a folder of this user', async () => {
    const program = join(await tempFolder(), 'tool');
    const cache = join(await tempFolder(), 'cache');
    await writeFile(program, script('echo copied'), { mode: 0o644 });
    const copy = await copyToCache(program, cache);
    const { ino } = await stat(copy);
    expect(await copyToCache(program, cache)).toBe(copy);
    expect((await stat(copy)).ino).toBe(ino);
    expect(await readdir(cache)).toHaveLength(1);
    expect((await runTool({ path: copy, from: 'system' }, [], limits())).stdout).toBe('copied\n');
  });

  it('refuses a folder that others may write to', async () => {
    const program = join(await tempFolder(), 'tool');
    await writeFile(program, '');
    const cache = await tempFolder();
    await chmod(cache, 0o777);
    await expect(copyToCache(program, cache)).rejects.toThrow(/not a folder of this user alone/);
  });
});

describe.runIf(posix)('runTool', () => {
  const shell = { path: '/bin/sh', from: 'system' } as const;

  it('gives the exit status and both outputs', async () => {
    const result = await runTool(shell, ['-c', 'echo out; echo err >&2; exit 3'], limits());
    expect(result).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('kills a program that does not finish', async () => {
    const error = await errorOf(
      runTool(shell, ['-c', 'exec sleep 60'], limits({ timeoutMs: 50 })),
      'MEDIA_PROBE_FAILED',
    );
    expect(error.limit).toBe(50);
  });

  it('kills a program that does not stop writing', async () => {
    await errorOf(
      runTool(shell, ['-c', 'exec cat /dev/zero'], limits({ maxBytes: 1000 })),
      'ALL_INPUT_INVALID_BYTES',
    );
  });

  it('says when a program was ended from outside', async () => {
    await errorOf(runTool(shell, ['-c', 'kill -9 $$'], limits()), 'MEDIA_PROBE_FAILED');
  });

  it('says when there is no such program', async () => {
    await errorOf(
      runTool({ path: '/nonexistent/ffprobe', from: 'system' }, [], limits()),
      'MEDIA_TOOL_MISSING',
    );
  });

  it('passes arguments as they are, without a shell', async () => {
    const { stdout } = await runTool({ path: '/bin/echo', from: 'system' }, ['$HOME; echo x'], limits());
    expect(stdout).toBe('$HOME; echo x\n');
  });
});

const limits = (options: { timeoutMs?: number; maxBytes?: number } = {}) => ({
  timeoutMs: 20_000,
  maxBytes: 100_000,
  signal,
  ...options,
});
