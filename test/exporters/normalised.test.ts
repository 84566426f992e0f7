import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { coco } from '../../src/exporters/coco.ts';
import { folder } from '../../src/exporters/folder.ts';
import { webdataset } from '../../src/exporters/webdataset.ts';
import { sniff } from '../../src/media/sniff.ts';
import { findTools } from '../../src/media/tools.ts';
import { hashesBelow } from '../support/folder-bytes.ts';
import { attempt, exported, type Held, memorySource } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

const cat = { id: 'cat', name: 'cat', value: 1 };
const about = [
  { id: '1', concepts: [cat], region: { box: { left: 0.25, top: 0.5, right: 0.75, bottom: 1 } } },
];

const red = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 4, background: '#ff0000' } });

async function picture(id: string, format: 'png' | 'jpeg' | 'webp', orientation = 1): Promise<Held> {
  const turned = orientation > 4;
  const image = turned ? red(20, 40) : red(40, 20);
  const content = await image.toFormat(format).withMetadata({ orientation }).toBuffer();
  const media = { format, width: 40, height: 20, orientation };
  return { id, uri: `${id}.${format}`, media, content, concepts: [cat], annotations: about };
}

const pictures = (): Promise<Held[]> =>
  Promise.all([picture('a', 'png'), picture('b', 'jpeg'), picture('c', 'webp', 6), picture('d', 'png')]);

const inFolder = async (): Promise<string> => {
  const path = join(await tempFolder(), 'out');
  await mkdir(path);
  return path;
};

const objectsOf = async (path: string): Promise<unknown> => {
  const text = await readFile(join(path, 'annotations/instances_default.json'), 'utf8');
  return JSON.parse(text).annotations;
};

describe('an export with media in one format', () => {
  it.each([
    ['coco', coco as never, 'images/default'],
    ['folder', folder as never, 'train'],
  ])(
    'to %s has upright JPEG images of the same size, and those that are JPEG as they are',
    async (_, exporter, below) => {
      const held = await pictures();
      const path = await inFolder();
      const { outcomes, result } = await exported(exporter, memorySource(held), path, {
        normalise: ['jpeg'],
      });
      const names = await readdir(join(path, below));
      expect(names.filter((name) => !name.endsWith('l')).sort()).toEqual([
        'a.jpg',
        'b.jpeg',
        'c.jpg',
        'd.jpg',
      ]);
      for (const name of ['a.jpg', 'c.jpg']) {
        const { format, width, height, orientation } = await sharp(join(path, below, name)).metadata();
        expect({ format, width, height, orientation }).toMatchObject({
          format: 'jpeg',
          width: 40,
          height: 20,
        });
        expect(orientation ?? 1).toBe(1);
      }
      expect(await readFile(join(path, below, 'b.jpeg'))).toEqual(held[1]!.content);
      const [a, b] = outcomes;
      expect(a).toMatchObject({
        code: 'EXPORTED',
        warnings: ['REPAIRED'],
        repair: { steps: ['reencode'], originalBytes: (held[0]!.content as Buffer).length },
      });
      expect(b).not.toHaveProperty('repair');
      for (const { path: name, bytes } of result.files)
        expect((await readFile(join(path, name))).length).toBe(bytes);
      expect(a!.bytes).toBe((await readFile(join(path, below, 'a.jpg'))).length);
      expect(existsSync(`${path}.converted`)).toBe(false);
    },
  );

  it('has the annotations that it has without', async () => {
    const held = await pictures();
    const [plain, converted] = [await inFolder(), await inFolder()];
    await exported(coco as never, memorySource(held), plain);
    await exported(coco as never, memorySource(held), converted, { normalise: ['jpeg'] });
    expect(await objectsOf(converted)).toEqual(await objectsOf(plain));
    expect(await objectsOf(plain)).toMatchObject([{ bbox: [10, 10, 20, 10] }, {}, {}, {}]);
  });

  it('shows white where a JPEG cannot be transparent', async () => {
    const content = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer();
    const path = await inFolder();
    const held = { id: 'a', media: { format: 'png', width: 8, height: 8 }, content };
    await exported(folder as never, memorySource([held]), path, { normalise: ['jpeg'] });
    const pixels = await sharp(join(path, 'train/a.jpg')).raw().toBuffer();
    expect([...pixels].every((value) => value > 250)).toBe(true);
  });

  it('keeps colour profiles', async () => {
    const content = await red(8, 8).withIccProfile('p3').png().toBuffer();
    const path = await inFolder();
    const held = { id: 'a', media: { format: 'png', width: 8, height: 8 }, content };
    await exported(folder as never, memorySource([held]), path, { normalise: ['jpeg'] });
    const { icc } = await sharp(join(path, 'train/a.jpg')).metadata();
    expect(icc).toEqual((await sharp(content).metadata()).icc);
    expect(icc).toBeDefined();
  });

  it('has images in the first of two formats unless they are in the other', async () => {
    const path = await inFolder();
    await exported(folder as never, memorySource(await pictures()), path, { normalise: ['png', 'jpeg'] });
    const names = (await readdir(join(path, 'train'))).filter((name) => !name.endsWith('l'));
    expect(names.sort()).toEqual(['a.png', 'b.jpeg', 'c.png', 'd.png']);
  });

  it('has an outcome of its own for an image that cannot be decoded', async () => {
    const held = await pictures();
    held[2] = { ...held[2]!, content: Buffer.from('RIFF, but no image') };
    delete held[3]!.content;
    for (const exporter of [coco, folder, webdataset] as never[]) {
      const { outcomes, result } = await exported(exporter, memorySource(held), await inFolder(), {
        normalise: ['jpeg'],
      });
      expect(outcomes.map(({ outcome, code }) => [outcome, code])).toEqual([
        ['ok', 'EXPORTED'],
        ['ok', 'EXPORTED'],
        ['rejected', 'ALL_INPUT_INVALID_BYTES'],
        ['failed', 'INPUT_NOT_FOUND'],
      ]);
      expect(outcomes[2]!.message).toContain('WEBP cannot be decoded');
      expect(result.annotations).toEqual({ written: 2, leftOut: 0 });
    }
  });

  it.each([
    ['coco', coco as never],
    ['folder', folder as never],
    ['webdataset', webdataset as never],
  ])('to %s goes on after a kill and ends with the same bytes', async (_, exporter) => {
    const held = await pictures();
    const options = { normalise: ['jpeg'] };
    const whole = await inFolder();
    const { result } = await exported(exporter, memorySource(held), whole, options);
    for (let stopAfter = 1; stopAfter <= held.length; stopAfter++) {
      const path = await inFolder();
      const { checkpoint } = await attempt(exporter, memorySource(held), path, options, { stopAfter });
      expect(existsSync(`${path}.converted`)).toBe(false);
      const last = await attempt(exporter, memorySource(held), path, options, { checkpoint });
      expect(await hashesBelow(path)).toEqual(await hashesBelow(whole));
      expect(last.result!.files).toEqual(result.files);
    }
  });

  it('to webdataset describes what the shard has', async () => {
    const path = await inFolder();
    const { outcomes } = await exported(webdataset as never, memorySource(await pictures()), path, {
      normalise: ['jpeg'],
    });
    const tar = (await readFile(join(path, 'train-000000.tar'))).toString('latin1');
    expect(tar).toContain('a.jpg');
    expect(tar).toContain(`"sha256":"${outcomes[0]!.sha256}","bytes":${outcomes[0]!.bytes}`);
    expect(tar).toContain('"media":{"format":"jpeg","width":40,"height":20,"orientation":1}');
  });
});

describe('sounds and videos in one format', () => {
  it('are WAV and MP4, of odd sides as well; a file that is gone is an outcome', async () => {
    const { ffmpeg } = await findTools({ path: process.env['PATH'] ?? '' });
    const dir = await tempFolder();
    const run = (...args: string[]) =>
      promisify(execFile)(ffmpeg.path, ['-v', 'error', ...args], { cwd: dir });
    await writeFile(join(dir, 'a.wav'), wav(200));
    await run('-i', 'a.wav', 'a.flac');
    await run('-f', 'lavfi', '-i', 'testsrc=size=33x25:rate=5:duration=1', '-c:v', 'ffv1', 'v.mkv');
    const flac = await readFile(join(dir, 'a.flac'));
    const clip = { path: join(dir, 'v.mkv'), bytes: (await readFile(join(dir, 'v.mkv'))).length };
    const mkv = { format: 'mkv', width: 33, height: 25 };
    const source = memorySource([
      { id: 'a', uri: 'a.flac', kind: 'audio', media: { format: 'flac' }, content: flac },
      { id: 'b', uri: 'b.wav', kind: 'audio', media: { format: 'wav' }, content: wav(100) },
      { id: 'c', uri: 'c.flac', kind: 'audio', media: { format: 'flac' }, content: Buffer.from('fLaC, no') },
      { id: 'd', uri: 'd.mkv', kind: 'video', media: mkv, content: clip },
      { id: 'e', uri: 'e.mkv', kind: 'video', media: mkv, content: { path: join(dir, 'no'), bytes: 5 } },
    ]);
    const path = await inFolder();
    const { outcomes, result } = await exported(folder as never, source, path, { normalise: ['wav', 'mp4'] });
    expect(outcomes.map(({ code, repair }) => [code, repair?.steps])).toEqual([
      ['EXPORTED', ['transcode']],
      ['EXPORTED', undefined],
      ['ALL_INPUT_INVALID_BYTES', undefined],
      ['EXPORTED', ['transcode']],
      ['INPUT_NOT_FOUND', undefined],
    ]);
    const fileOf = async (name: string) => {
      const found = result.files.find((file) => file.path.endsWith(name))!;
      const content = await readFile(join(path, found.path));
      expect(content.length).toBe(found.bytes);
      return content;
    };
    const sound = await fileOf('a.wav');
    expect(sound.subarray(-3200)).toEqual(wav(200).subarray(-3200));
    expect(await fileOf('b.wav')).toEqual(wav(100));
    expect(await sniff(await fileOf('d.mp4'))).toMatchObject({ format: 'mp4', kind: 'video' });
    const place = join(path, result.files.find((file) => file.path.endsWith('d.mp4'))!.path);
    const { stderr } = await promisify(execFile)(ffmpeg.path, ['-i', place, '-f', 'null', '-']);
    expect(stderr).toMatch(/h264.*33x25/);
    expect(existsSync(`${path}.converted`)).toBe(false);
  });
});
