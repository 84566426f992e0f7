import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { needsFile, type ProbeOptions, probe } from '../../src/media/probe.ts';
import { sniff } from '../../src/media/sniff.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';
import { errorOf, npmTools, picture, signal } from './fixtures.ts';

const options = (): ProbeOptions => ({ check: 'decode', maxPixels: 85e6, tools: vi.fn(npmTools), signal });
const probeBuffer = async (buffer: Buffer, given = options()) =>
  probe(await sniff(buffer), { buffer }, given);

describe('probe', () => {
  it('reads images, texts and WAV in memory and asks for no tools', async () => {
    const given = options();
    const image = await probeBuffer(await picture(8, 6).png().toBuffer(), given);
    expect(image).toMatchObject({ kind: 'image', media: { format: 'png', width: 8 }, warnings: [] });
    expect(await probeBuffer(Buffer.from('hello'), given)).toMatchObject({
      kind: 'text',
      media: { format: 'text' },
    });
    expect(await probeBuffer(wav(250), given)).toMatchObject({ kind: 'audio', media: { durationMs: 250 } });
    expect(given.tools).not.toHaveBeenCalled();
  });

  it('reads a WAV from a file as well', async () => {
    const spool = join(await tempFolder(), 'x');
    await writeFile(spool, wav(250));
    expect(await probe({ format: 'wav', kind: 'audio' }, { spool }, options())).toMatchObject({
      media: { durationMs: 250, sampleRate: 8000 },
    });
  });

  it('names the empty file', async () => {
    const error = await errorOf(probeBuffer(Buffer.alloc(0)), 'ALL_INPUT_INVALID_BYTES');
    expect(error.message).toBe('the file is empty');
  });

  it('refuses what is no input', async () => {
    await errorOf(probeBuffer(Buffer.from('%PDF-1.7')), 'INPUT_UNSUPPORTED_FORMAT');
  });

  it('stops when the run was aborted', async () => {
    const aborted = { ...options(), signal: AbortSignal.abort(new Error('stopped')) };
    await expect(probeBuffer(Buffer.from('x'), aborted)).rejects.toThrow('stopped');
  });
});

it('needs a file exactly for what ffprobe reads', () => {
  for (const format of ['mp4', 'avi', 'webm', 'mp3', 'flac', 'm4a']) expect(needsFile(format)).toBe(true);
  for (const format of ['jpeg', 'wav', 'text', 'zip', 'empty', 'docx']) expect(needsFile(format)).toBe(false);
});
