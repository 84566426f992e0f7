import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { cachedGraph } from '../../../src/embed/onnx/graph-cache.ts';
import { integer, nested, text } from '../../../src/formats/onnx/wire.ts';
import { nodeField, valueField } from '../../../src/formats/onnx/write.ts';
import { runOnnx } from '../../support/onnx.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** y = x · w, for rows of two, with w in a file of its own. */
function withExternalWeights(file: string): Uint8Array {
  const entry = (key: string, value: string) => nested(13, [text(1, key), text(2, value)]);
  const weights = [integer(1, 2), integer(2, 1), text(8, 'w'), ...entry('location', file), integer(14, 1)];
  const graph = [
    ...nodeField({ op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }),
    text(2, 'product'),
    ...nested(5, weights),
    ...valueField(11, { name: 'x', type: 1, dims: ['N', 2] }),
    ...valueField(12, { name: 'y', type: 1, dims: ['N', 2] }),
  ];
  return Buffer.concat([integer(1, 8), ...nested(7, graph), ...nested(8, [integer(2, 17)])]);
}

const weights = Buffer.from(new Float32Array([3, 4]).buffer);

describe('the cache of graphs', () => {
  it('makes a graph once for each key', async () => {
    const cache = join(await tempFolder(), 'not', 'there', 'yet');
    let made = 0;
    const make = async () => Buffer.from(`graph ${++made}`);
    const first = await cachedGraph(cache, { of: 'a', revision: 1 }, make);
    const second = await cachedGraph(cache, { of: 'a', revision: 2 }, make);
    expect(await cachedGraph(cache, { of: 'a', revision: 1 }, make)).toBe(first);
    expect(await readFile(first, 'utf8')).toBe('graph 1');
    expect(await readFile(second, 'utf8')).toBe('graph 2');
    expect(made).toBe(2);
  });

  it('gives one whole graph to all that ask for it at once, and leaves nothing else behind', async () => {
    const cache = await tempFolder();
    const make = async () => Buffer.alloc(1_000_000, 'g');
    const paths = await Promise.all(Array.from({ length: 8 }, () => cachedGraph(cache, { of: 'a' }, make)));
    expect(new Set(paths).size).toBe(1);
    expect(await readFile(paths[0] as string)).toEqual(await make());
    expect(await readdir(join(cache, 'graphs'))).toHaveLength(1);
  });

  it.each([
    ['was changed', async (path: string) => writeFile(path, 'grapH')],
    ['was cut off', async (path: string) => writeFile(path, 'gra')],
    ['is gone', async (path: string) => rm(path)],
    ['has no hash', async (path: string) => rm(join(dirname(path), 'model.sha256'))],
  ])('makes a graph again that %s', async (_, damage) => {
    const cache = await tempFolder();
    const make = async () => Buffer.from('graph');
    const path = await cachedGraph(cache, { of: 'a' }, make);
    await damage(path);
    expect(await cachedGraph(cache, { of: 'a' }, make)).toBe(path);
    expect(await readFile(path, 'utf8')).toBe('graph');
    expect(await readdir(join(cache, 'graphs'))).toHaveLength(1);
  });

  it('says where it could not write when the cache is no folder', async () => {
    const cache = join(await tempFolder(), 'file');
    await writeFile(cache, '');
    const asked = cachedGraph(cache, { of: 'a' }, async () => Buffer.from('graph'));
    await expect(asked).rejects.toMatchObject({
      code: 'STORE_WRITE_FAILED',
      message: expect.stringContaining(cache),
    });
  });

  it('leaves nothing behind when making fails, and tries again', async () => {
    const cache = await tempFolder();
    const failing = async (): Promise<Uint8Array> => {
      throw new Error('no such package');
    };
    await expect(cachedGraph(cache, { of: 'a' }, failing)).rejects.toThrow('no such package');
    expect(existsSync(await cachedGraph(cache, { of: 'a' }, async () => Buffer.from('graph')))).toBe(true);
  });

  it('keeps weights in files of their own within reach of the engine, also those behind a symbolic link', async () => {
    const folder = await tempFolder();
    const original = join(folder, 'model.onnx');
    const blob = join(folder, 'blobs', 'b1');
    await mkdir(dirname(blob));
    await writeFile(blob, weights);
    await symlink(blob, join(folder, 'model.onnx_data'));
    const make = async () => withExternalWeights('model.onnx_data');
    const graph = await cachedGraph(join(folder, 'cache'), { of: 'external' }, make, original);
    const x = new Tensor('float32', [1, 2], [1, 2]);
    expect(await runOnnx(graph, { x })).toMatchObject({ y: { data: [3, 8] } });
  });

  it.each([
    ['are missing', 'model.onnx_data', 'MODEL_NOT_FOUND', /model\.onnx_data/],
    ['are outside its folder', '../secret', 'MODEL_INVALID', /outside its folder: \.\.\/secret/],
  ])('refuses a model whose weights %s', async (_, file, code, message) => {
    const folder = await tempFolder();
    const make = async () => withExternalWeights(file);
    const asked = cachedGraph(join(folder, 'cache'), { file }, make, join(folder, 'model.onnx'));
    await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readdir(join(folder, 'cache', 'graphs'))).toEqual([]);
  });
});
