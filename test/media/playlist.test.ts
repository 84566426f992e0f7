import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeAv } from '../../src/media/av.ts';
import { measureDuration } from '../../src/media/measure.ts';
import { sniff } from '../../src/media/sniff.ts';
import type { MediaTools } from '../../src/media/tools.ts';
import { wav } from '../support/wav.ts';
import { errorOf, mediaFolder, npmTools, signal, systemTools } from './fixtures.ts';

let folder: Awaited<ReturnType<typeof mediaFolder>>;
let server: Server;
let requests = 0;
const tools: Record<string, MediaTools> = {};
const at = (name: string) => join(folder.path, name);

/** Playlists that name a sound file beside them, or a server that counts who asks. */
const playlists = (port: number): Record<string, string> => ({
  'ffconcat.mp4': 'ffconcat version 1.0\nfile secret.wav\n',
  'hls.mp4': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${at('secret.wav')}\n#EXT-X-ENDLIST\n`,
  'hls-http.mp4': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`,
  'dash.mp4': `<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>http://127.0.0.1:${port}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
});
const NAMES = ['ffconcat.mp4', 'hls.mp4', 'hls-http.mp4', 'dash.mp4'];
const FORMATS = ['mp4', 'avi', 'wmv', 'mkv', 'mpegts', 'mp3', 'flac', 'ogg'];

beforeAll(async () => {
  folder = await mediaFolder();
  [tools['system'], tools['npm']] = await Promise.all([systemTools(), npmTools()]);
  server = createServer((_, response) => {
    requests++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await writeFile(at('secret.wav'), wav(1000));
  const { port } = server.address() as AddressInfo;
  for (const [name, text] of Object.entries(playlists(port))) await writeFile(at(name), text);
});
afterAll(async () => {
  server.close();
  await folder.drop();
});

it('is a real attack: ffprobe on its own opens the file that the playlist names', async () => {
  const { stdout } = await promisify(execFile)(tools['npm']!.ffprobe.path, [
    ...['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', at('ffconcat.mp4')],
  ]);
  expect(stdout).toContain('pcm_s16le');
});

describe.each(['system', 'npm'])('with the tools from %s, a playlist renamed to a video', (from) => {
  it.each(NAMES)('opens nothing in the probe: %s', async (name) => {
    for (const format of FORMATS) {
      const probing = probeAv(at(name), format, { tools: tools[from]!, timeoutMs: 20_000, signal });
      const error = await probing.then(
        ({ media }) => expect.fail(`read as ${JSON.stringify(media)}`),
        (thrown: Error) => thrown,
      );
      expect(error).toMatchObject({ code: 'ALL_INPUT_INVALID_BYTES' });
    }
    expect(requests).toBe(0);
  });

  it('opens nothing when its duration is measured', async () => {
    for (const name of NAMES) {
      const options = { tools: tools[from]!, timeoutMs: 20_000, signal };
      await errorOf(measureDuration(at(name), 'mov', options), 'ALL_INPUT_INVALID_BYTES');
    }
    expect(requests).toBe(0);
  });
});

it.each(NAMES)('is no video by content either: %s', async (name) => {
  const head = Buffer.from(playlists(1)[name]!);
  expect((await sniff(head)).kind).toBeUndefined();
});
