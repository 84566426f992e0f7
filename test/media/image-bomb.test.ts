import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';
import { blackPng } from './hand-made.ts';

const imageModule = pathToFileURL(join(import.meta.dirname, '../../src/media/image.ts')).href;

/** Probes the file in argv[2]; prints what came of it and the peak of the process's memory in MB, before and after. */
const SCRIPT = `
  import { readFileSync } from 'node:fs';
  import { probeImage } from '${imageModule}';
  const peak = () => process.resourceUsage().maxRSS * 1024 / 1e6;
  const before = peak();
  const options = { check: 'decode', maxPixels: 85e6, timeoutMs: 60_000, signal: new AbortController().signal };
  const message = await probeImage(readFileSync(process.argv[2]), 'png', options).then(() => 'ok', (e) => e.message);
  console.log(JSON.stringify({ message, before, after: peak() }));
`;

it('rejects a PNG of 2500 megapixels in 300 kB without decoding it', async () => {
  const folder = await tempFolder();
  const bomb = await blackPng(50_000, 50_000);
  expect(bomb.length).toBeLessThan(310_000);
  await writeFile(join(folder, 'bomb.png'), bomb);
  await writeFile(join(folder, 'probe.mjs'), SCRIPT);
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(folder, 'probe.mjs'),
    join(folder, 'bomb.png'),
  ]);
  const { message, before, after } = JSON.parse(stdout);
  expect(message).toBe('IMAGE 2500 MP > 85 MP');
  // Its raster is 312 MB at one bit a pixel; Node itself with type stripping takes about 80 MB.
  expect(after).toBeLessThan(Math.max(100, before + 40));
});
