import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { environment } from '../../../src/pipeline/environment.ts';
import { benchModel, type MeasuredModel } from '../../../src/pipeline/models/bench.ts';
import { checkModel } from '../../../src/pipeline/models/check.ts';
import { listModels } from '../../../src/pipeline/models/list.ts';
import { sampleItems } from '../../../src/pipeline/models/samples.ts';
import { clapFolder } from '../../support/clap-folder.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { serve } from '../../support/http-server.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const CPU = { devices: ['cpu'] as const };

/** A hub that has the small CLAP as `lab/clap`. */
async function clapHub() {
  const { path } = await clapFolder();
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(path, name)).isFile())
    .map((name) => name.replaceAll(sep, '/'));
  const server = await serve((request, response) => {
    const name = request.url!.split(/\/resolve\/[0-9a-f]+\//)[1];
    if (name !== undefined) response.end(readFileSync(join(path, name)));
    else response.end(JSON.stringify({ sha: 'abc', siblings: names.map((rfilename) => ({ rfilename })) }));
  });
  return { hub: { endpoint: server.origin, allowPrivateAddresses: true }, requests: server.requests };
}

describe('checkModel', () => {
  it('says what a model is, which device was got, and that it is well', async () => {
    const { path } = await clapFolder();
    const [checked, ...more] = await checkModel(
      { ref: { model: path }, ...CPU },
      { cacheDir: await tempFolder() },
    );
    expect(more).toEqual([]);
    expect(checked).toMatchObject({
      modality: 'audio',
      dimensions: 4,
      dtype: 'fp32',
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      space: expect.stringMatching(/^[0-9a-f]{16}$/),
      device: { asked: ['cpu'], tried: [], got: 'cpu' },
      problems: [],
    });
    expect(checked!.cosine).toBeGreaterThan(0.999);
  });

  it('finds a model whose vectors say nothing', async () => {
    // No sound reaches these bands, so all spectra are the floor.
    const { path } = await clapFolder({ preprocessor: { frequency_min: 3_999.9, frequency_max: 4_000 } });
    const [checked] = await checkModel({ ref: { model: path }, ...CPU }, { cacheDir: await tempFolder() });
    expect(checked!.problems).toEqual(['all inputs have the same vector']);
  });
});

describe('benchModel', () => {
  it('measures each number of items a call for as long as asked', async () => {
    const { path } = await clapFolder();
    const request = { ref: { model: path }, ...CPU, seconds: 0, batches: [1, 2] };
    const measured: MeasuredModel[] = [];
    for await (const one of benchModel(request, { cacheDir: await tempFolder() })) measured.push(one);
    expect(measured.map(({ device }) => device.deviceBatch)).toEqual([1, 2]);
    for (const { items, itemsPerSecond } of measured) {
      expect(items % 2).toBe(0);
      expect(itemsPerSecond).toBeGreaterThan(0);
    }
  });
});

describe('listModels', () => {
  it('names the built-in models with their licences', async () => {
    const listed = await listModels({ cacheDir: await tempFolder() });
    expect(
      listed.map(({ model, source, modality, dimensions, licence }) => [
        model,
        source,
        modality,
        dimensions,
        licence,
      ]),
    ).toEqual([
      ['default', 'built-in', 'image', 720, expect.stringMatching(/^MIT .*upstream/)],
      ['default', 'built-in', 'text', 512, 'Apache-2.0'],
      ['default', 'built-in', 'audio', 96, 'Apache-2.0'],
    ]);
    for (const { bytes } of listed) expect(bytes).toBeGreaterThan(1_000_000);
  });

  it('lists what was fetched, without asking the hub again', async () => {
    const { hub, requests } = await clapHub();
    const env = { cacheDir: await tempFolder(), hub, clock: new FakeClock({ auto: true }) };
    await checkModel({ ref: { model: 'lab/clap' }, ...CPU }, env);
    requests.length = 0;
    const fetched = (await listModels(env)).filter(({ source }) => source === 'cache');
    expect(fetched).toMatchObject([{ model: 'lab/clap', modality: 'audio', dimensions: 4, dtype: 'fp32' }]);
    expect(requests).toEqual([]);
  });
});

describe('the environment', () => {
  it('names the hub of HF_ENDPOINT, which may be in a private network', () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('HF_ENDPOINT', '');
    expect(environment().hub).toBeUndefined();
    vi.stubEnv('HF_ENDPOINT', 'http://10.0.0.7:8080');
    expect(environment().hub).toEqual({ endpoint: 'http://10.0.0.7:8080', allowPrivateAddresses: true });
  });
});

describe('the fixed inputs', () => {
  it.each(['text', 'image', 'audio'] as const)(
    'of kind %s differ, and are the same each time',
    async (modality) => {
      const [once, again] = [await sampleItems(modality), await sampleItems(modality)];
      expect(once).toEqual(again);
      expect(new Set(once.map((item) => JSON.stringify(item))).size).toBe(8);
    },
  );
});
