import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findTowers } from '../../../src/embed/index.ts';
import { fetchModel, type HubOptions } from '../../../src/embed/models/hub.ts';
import { testContext } from '../../support/context.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { serve } from '../../support/http-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const COMMIT = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';
const FILES: Record<string, string> = {
  'README.md': 'not needed',
  LICENSE: 'Apache-2.0',
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{}',
  '1_Pooling/config.json': '{"pooling_mode_mean_tokens":true}',
  'model.safetensors': 'not needed either',
  'onnx/model.onnx': 'graph '.repeat(20_000),
  'onnx/model.onnx_data': 'weights '.repeat(20_000),
  'onnx/model_int8.onnx': 'small graph',
};
const ID = { id: 'org/name', revision: 'main' };
const REF = { model: 'org/name' };

const sha1 = (text: string): string =>
  createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex');
const listing = (files: Record<string, string>) => ({
  sha: COMMIT,
  siblings: Object.entries(files).map(([rfilename, text]) => ({
    rfilename,
    size: text.length,
    blobId: sha1(rfilename.startsWith('onnx/') ? 'pointer' : text),
    ...(rfilename.startsWith('onnx/')
      ? {
          lfs: {
            sha256: createHash('sha256').update(text).digest('hex'),
            size: text.length,
            pointerSize: 130,
          },
        }
      : {}),
  })),
});

/** A hub with one model; `first` may answer instead. */
async function hubOf(
  files = FILES,
  first: (
    url: string,
    response: ServerResponse,
    headers: Parameters<RequestListener>[0]['headers'],
  ) => boolean = () => false,
) {
  const server = await serve((request, response) => {
    const url = request.url ?? '';
    if (first(url, response, request.headers)) return;
    const [, name] = /^\/org\/name\/resolve\/[0-9a-f]{40}\/(.+)$/.exec(url) ?? [];
    if (url.startsWith('/api/models/org/name/revision/')) response.end(JSON.stringify(listing(files)));
    else if (name !== undefined && files[name] !== undefined) {
      response.setHeader('content-length', files[name].length).end(files[name]);
    } else response.writeHead(404).end();
  });
  const hub: HubOptions = { endpoint: `${server.origin}/`, allowPrivateAddresses: true };
  const cacheDir = await tempFolder();
  const ctx = testContext({ clock: new FakeClock({ auto: true }) });
  const fetched = (ref: Parameters<typeof fetchModel>[1] = REF) =>
    fetchModel(ID, ref, { cacheDir, hub }, ctx);
  const asked = () =>
    server.requests.splice(0).map(({ url }) => url.replace(`/org/name/resolve/${COMMIT}/`, ''));
  return { fetched, asked, cacheDir, hub, ctx };
}

const LIST = '/api/models/org/name/revision/main?blobs=true';

describe('fetchModel', () => {
  it('fetches what a model needs of one type of weights, and nothing else', async () => {
    const { fetched, asked, cacheDir } = await hubOf();
    const folder = await fetched();
    expect(folder.name).toBe('org/name');
    expect(folder.path).toBe(join(cacheDir, 'models', 'org', 'name', 'main'));
    const needed = Object.keys(FILES).filter((name) => !/README|safetensors|int8/.test(name));
    expect(asked().sort()).toEqual([LIST, ...needed].sort());
    for (const name of needed) expect(await readFile(folder.require(name), 'utf8')).toBe(FILES[name]);
  });

  it('asks for nothing once all is there, and only for the rest when other weights are wanted', async () => {
    const { fetched, asked } = await hubOf();
    await fetched();
    asked();
    await fetched();
    expect(asked()).toEqual([]);
    await fetched({ ...REF, dtype: 'int8' });
    // Of the commit that the other files are of.
    expect(asked()).toEqual([LIST.replace('main', COMMIT), 'onnx/model_int8.onnx']);
    await fetched({ ...REF, dtype: 'int8' });
    await fetched();
    expect(asked()).toEqual([]);
  });

  it('fetches a file again that was removed', async () => {
    const { fetched, asked } = await hubOf();
    const folder = await fetched();
    await rm(folder.require('tokenizer.json'));
    asked();
    await fetched();
    expect(asked()).toEqual([LIST.replace('main', COMMIT), 'tokenizer.json']);
  });

  it('takes up a file where the connection broke off', async () => {
    const text = FILES['onnx/model.onnx']!;
    const ranges: (string | undefined)[] = [];
    const { fetched } = await hubOf(FILES, (url, response, { range }) => {
      if (!url.endsWith('/onnx/model.onnx')) return false;
      ranges.push(range);
      response.setHeader('etag', '"v1"');
      const begin = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
      response.setHeader('content-length', text.length - begin);
      if (begin > 0) {
        response.writeHead(206, { 'content-range': `bytes ${begin}-${text.length - 1}/${text.length}` });
        response.end(text.slice(begin));
      } else response.write(text.slice(0, 50_000), () => response.destroy());
      return true;
    });
    expect(await readFile((await fetched()).require('onnx/model.onnx'), 'utf8')).toBe(text);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.at(-1)).toMatch(/^bytes=\d+-$/);
  });

  it.each([
    ['of the announced size', (text: string) => text.replace('graph', 'grape')],
    ['that is shorter', (text: string) => text.slice(1)],
    ['that is longer', (text: string) => `${text}!`],
  ])('keeps no damaged file %s, and fetches the others once only', async (_, damage) => {
    let damaged = true;
    const text = FILES['onnx/model.onnx']!;
    const { fetched, asked, cacheDir } = await hubOf(FILES, (url, response) => {
      if (!url.endsWith('/onnx/model.onnx') || !damaged) return false;
      response.end(damage(text));
      return true;
    });
    await expect(fetched()).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/onnx\/model\.onnx of org\/name@c0ffee.* announced/),
    });
    const onnx = join(cacheDir, 'models', 'org', 'name', 'main', 'onnx');
    expect(await readdir(onnx)).toEqual([]);
    damaged = false;
    asked();
    expect(await readFile((await fetched()).require('onnx/model.onnx'), 'utf8')).toBe(text);
    expect(asked()).not.toContain('config.json');
  });

  it('finds a small file that differs from its git hash', async () => {
    const { fetched } = await hubOf(FILES, (url, response) => {
      if (!url.endsWith('/config.json')) return false;
      response.end(FILES['config.json']!.replace('bert', 'bart'));
      return true;
    });
    await expect(fetched()).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('follows redirects to where large files are kept', async () => {
    const { fetched } = await hubOf(FILES, (url, response) => {
      if (url.startsWith('/org/name/resolve/') && url.endsWith('.onnx')) {
        response.writeHead(302, { location: '/cdn/object?X-Amz-Signature=secret' }).end();
        return true;
      }
      if (!url.startsWith('/cdn/')) return false;
      response.end(FILES['onnx/model.onnx']);
      return true;
    });
    await expect(fetched()).resolves.toBeDefined();
  });

  it.each([
    [404, /has no org\/name@main/],
    [401, /does not exist, is private, or its terms must be accepted first; .* give its folder/],
    [
      500,
      /could not be fetched from the hub at http:\/\/127\.0\.0\.1:\d+ .*; a local folder .* needs no network/,
    ],
  ])('explains a listing that is answered with %d', async (status, message) => {
    const { fetched } = await hubOf(FILES, (_, response) => {
      response.writeHead(status).end();
      return true;
    });
    await expect(fetched()).rejects.toMatchObject({
      name: 'FatalError',
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(message),
    });
  });

  it('explains a listing that is none', async () => {
    const { fetched } = await hubOf(FILES, (_, response) => {
      response.end('<html>');
      return true;
    });
    await expect(fetched()).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/gave no listing/),
    });
  });

  it('names the weights that there are when the wanted ones are not', async () => {
    const { fetched } = await hubOf();
    await expect(fetched({ ...REF, dtype: 'fp16' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message:
        'the model org/name has no ONNX file with fp16 weights; it has fp32, int8: org/name?dtype=fp32 or org/name?dtype=int8',
    });
  });

  it('says how to export a model that has no ONNX files', async () => {
    const { fetched } = await hubOf({ 'config.json': '{}', 'model.safetensors': 'x' });
    await expect(fetched()).rejects.toMatchObject({
      message: expect.stringContaining('optimum-cli export onnx'),
    });
  });

  it('says without a network that a local folder works', async () => {
    const server = await serve(() => {});
    const { cacheDir, ctx } = await hubOf();
    const hub = { endpoint: server.origin.replace(/\d+$/, '1'), allowPrivateAddresses: true };
    await expect(fetchModel(ID, REF, { cacheDir, hub }, ctx)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/could not be fetched from the hub at .*; a local folder/),
    });
  });

  it('connects to no private address unless told to', async () => {
    const { cacheDir, hub, ctx, asked } = await hubOf();
    const guarded = { ...hub, allowPrivateAddresses: false };
    await expect(fetchModel(ID, REF, { cacheDir, hub: guarded }, ctx)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('not a public host'),
    });
    expect(asked()).toEqual([]);
  });

  it('ends with the signal’s reason', async () => {
    const { cacheDir, hub } = await hubOf();
    const ctx = testContext({ signal: AbortSignal.abort(new Error('stopped')) });
    await expect(fetchModel(ID, REF, { cacheDir, hub }, ctx)).rejects.toThrow('stopped');
  });

  it('removes what a killed download left long ago', async () => {
    const { cacheDir, hub } = await hubOf();
    const part = join(cacheDir, 'models', 'org', 'name', 'main', 'left.part');
    await mkdir(dirname(part), { recursive: true });
    await writeFile(part, 'half');
    await utimes(part, 0, 0);
    await fetchModel(ID, REF, { cacheDir, hub }, testContext());
    expect(await readdir(dirname(part))).not.toContain('left.part');
  });
});

describe('findTowers', () => {
  it('asks the hub for an id, and no hub for a folder', async () => {
    const { cacheDir, hub, ctx, asked } = await hubOf({
      'config.json': '{"model_type":"mamba"}',
      'onnx/model.onnx': 'x',
    });
    const unsupported = { code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('model_type "mamba"') };
    await expect(findTowers(REF, { cacheDir, hub }, ctx)).rejects.toMatchObject(unsupported);
    expect(asked()).toContain('config.json');
    const folder = { model: join(cacheDir, 'models', 'org', 'name', 'main') };
    await expect(findTowers(folder, { cacheDir, hub }, ctx)).rejects.toMatchObject(unsupported);
    expect(asked()).toEqual([]);
  });

  it('says where it looked for a folder that is not there', async () => {
    await expect(findTowers({ model: './nowhere' }, { cacheDir: '' }, testContext())).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/the model \.\/nowhere was not found: .*nowhere does not exist/),
    });
  });

  it('does not vary the built-in models', async () => {
    await expect(
      findTowers({ model: 'default', dtype: 'int8' }, { cacheDir: '' }, testContext()),
    ).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('leave out dtype'),
    });
  });
});
