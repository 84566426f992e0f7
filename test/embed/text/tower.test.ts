import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../src/embed/fingerprint.ts';
import { textTower } from '../../../src/embed/text/tower.ts';
import type { Tower } from '../../../src/embed/tower.ts';
import type { ModelRef } from '../../../src/model/embedding.ts';
import { cosine, embedTexts, withEmbedder } from '../../support/embedding.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { textModel, tokenGraph } from '../../support/text-model.ts';

type Files = Parameters<typeof textModel>[1];
type Varied = Omit<ModelRef, 'model'>;

async function towerOf(files: Files = {}, varied: Varied = {}, name = 'm'): Promise<Tower> {
  const tower = await textTower(textModel(await tempFolder(), files, name), { model: name, ...varied });
  if (tower === undefined) throw new Error('no texts');
  return tower;
}

const config = (more: object) => ({ 'config.json': { model_type: 'bert', hidden_size: 8, ...more } });
const modules = (...types: string[]) => ({
  'modules.json': types.map((type, i) => ({
    path: `${i}_${type}`,
    type: `sentence_transformers.models.${type}`,
  })),
});

describe('the text side of a model', () => {
  it('is described as its files say', async () => {
    const tower = await towerOf();
    expect(tower).toMatchObject({
      modality: 'text',
      model: 'm',
      dtype: 'fp32',
      dimensions: 8,
      normalised: true,
    });
    expect(tower.files.map((file) => basename(file))).toEqual([
      'model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(tower.preprocessing).toMatchObject({ pooling: 'mean', maxTokens: 512 });
  });

  it('is not there where a folder is of images, or of sounds', async () => {
    const path = await tempFolder();
    expect(
      await textTower(textModel(path, { 'preprocessor_config.json': {} }), { model: 'm' }),
    ).toBeUndefined();
    const clap = await tempFolder();
    const folder = textModel(clap, { 'config.json': { model_type: 'clap' } });
    rmSync(join(clap, 'tokenizer.json'));
    expect(await textTower(folder, { model: 'm' })).toBeUndefined();
  });

  it('shares a space with the other side', async () => {
    const graph = tokenGraph('text_embeds');
    const tower = await towerOf({
      'config.json': { model_type: 'clip', projection_dim: 8 },
      'onnx/text_model.onnx': graph,
      'onnx/vision_model.onnx': tokenGraph('image_embeds'),
      'onnx/vision_model_int8.onnx': graph,
      'preprocessor_config.json': {},
    });
    expect(tower.spaceFiles.map((file) => basename(file))).toEqual(['text_model.onnx', 'vision_model.onnx']);
    expect(tower.preprocessing).toMatchObject({ output: 'text_embeds', maxTokens: 77 });
  });
});

describe('the longest text', () => {
  const sentence = { 'sentence_bert_config.json': { max_seq_length: 128 } };
  const long = config({ max_position_embeddings: 1024 });
  const free = { 'tokenizer_config.json': { model_max_length: 1e30 } };

  it.each<[string, Files, Varied, number]>([
    ['is as the user says', { ...long, ...sentence }, { maxTokens: 300 }, 300],
    ['else as sentence-transformers cuts it', { ...long, ...sentence }, {}, 128],
    ['else as the tokenizer cuts it', long, {}, 512],
    ['else as there are positions, which are no limit of a tokenizer’s', { ...long, ...free }, {}, 1024],
    [
      'is never longer than there are positions',
      config({ max_position_embeddings: 64 }),
      { maxTokens: 999 },
      64,
    ],
    [
      'leaves out two positions of RoBERTa',
      { ...config({ model_type: 'xlm-roberta', max_position_embeddings: 514 }), ...free },
      {},
      512,
    ],
  ])('%s', async (_, files, varied, maxTokens) => {
    expect((await towerOf(files, varied)).preprocessing).toMatchObject({ maxTokens });
  });

  it('must be known', async () => {
    await expect(towerOf({ ...config({}), ...free })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: 'no file of the model m says how many tokens a text may have; give it: m?maxTokens=512',
    });
  });
});

describe('what becomes of the vectors of tokens', () => {
  const pooling = (mode: object) => ({ '1_Pooling/config.json': mode });

  it.each<[string, Files, Varied, string | undefined]>([
    ['is as the user says', pooling({ pooling_mode_mean_tokens: true }), { pooling: 'last' }, 'last'],
    ['else as the folder says', pooling({ pooling_mode_cls_token: true }), {}, 'cls'],
    ['also as newer versions write it', pooling({ pooling_mode: 'lasttoken' }), {}, 'last'],
    ['else that of the first for BGE', config({ _name_or_path: 'BAAI/bge-small-en-v1.5' }), {}, 'cls'],
    [
      'is nothing where the graph gives one vector',
      { 'onnx/model.onnx': tokenGraph('sentence_embedding') },
      {},
      undefined,
    ],
  ])('%s', async (_, files, varied, wanted) => {
    const tower = await towerOf({ ...config({ max_position_embeddings: 512 }), ...files }, varied);
    expect(tower.preprocessing['pooling']).toBe(wanted);
  });

  it('is refused where nothing says it', async () => {
    const loading = towerOf(config({ model_type: 'qwen3', max_position_embeddings: 512 }));
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message:
        'model.onnx of the model m gives last_hidden_state, and none of sentence_embedding, text_embeds; where these are vectors of tokens, say how they become one: m?pooling=mean',
    });
  });

  it.each([
    [{ pooling_mode_max_tokens: true }, 'pools max_tokens'],
    [{ pooling_mode_cls_token: true, pooling_mode_mean_tokens: true }, 'pools cls_token and mean_tokens'],
    [{ pooling_mode_mean_tokens: true, include_prompt: false }, 'pools tokens without those of the prompt'],
  ])('is refused by its name: %j', async (mode, message) => {
    await expect(towerOf(pooling(mode))).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining(message),
    });
  });

  it('is made to length 1 where modules.json says so, or nothing else', async () => {
    expect((await towerOf(modules('Transformer', 'Pooling', 'Normalize'))).normalised).toBe(true);
    expect((await towerOf(modules('Transformer', 'Pooling'))).normalised).toBe(false);
  });

  it('is refused where another module would follow, unless the graph holds it', async () => {
    const dense = modules('Transformer', 'Pooling', 'Dense');
    await expect(towerOf(dense)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('sentence_transformers.models.Dense'),
    });
    const whole = await towerOf({ ...dense, 'onnx/model.onnx': tokenGraph('sentence_embedding') });
    expect(whole.preprocessing).toMatchObject({ output: 'sentence_embedding' });
  });
});

describe('prompts', () => {
  const said = {
    'config_sentence_transformers.json': { prompts: { query: 'query: ', passage: 'passage: ' } },
  };

  it('are the user’s, else those of sentence-transformers, else those of the family', async () => {
    expect((await towerOf(said)).prompts).toEqual({ document: 'passage: ', query: 'query: ' });
    expect((await towerOf(said, { queryPrompt: 'find: ', documentPrompt: '' })).prompts).toEqual({
      query: 'find: ',
    });
    expect((await towerOf({}, {}, '/models/bge-base-en-v1.5')).prompts).toEqual({
      query: 'Represent this sentence for searching relevant passages: ',
    });
    expect((await towerOf()).prompts).toEqual({});
  });

  it('are put before texts by their role, and only a document’s makes another fingerprint', async () => {
    const plain = await towerOf();
    const prompted = await towerOf({}, { documentPrompt: 'a photo of ', queryPrompt: 'the dog ' });
    const queried = await towerOf({}, { queryPrompt: 'the dog ' });
    const options = { cacheDir: await tempFolder(), cores: 1 };
    const [document, query] = await withEmbedder(prompted, options, async (embedder) => [
      (await embedTexts(embedder, ['a cat']))[0]!,
      (await embedTexts(embedder, ['a cat'], 'query'))[0]!,
    ]);
    const written = await withEmbedder(plain, options, (embedder) =>
      embedTexts(embedder, ['a photo of a cat', 'the dog a cat']),
    );
    expect(cosine(document!, written[0]!)).toBeCloseTo(1, 6);
    expect(cosine(query!, written[1]!)).toBeCloseTo(1, 6);
    const fingerprints = await Promise.all([plain, prompted, queried].map(fingerprintOf));
    expect(fingerprints[1]!.fingerprint).not.toBe(fingerprints[0]!.fingerprint);
    expect(fingerprints[2]!.fingerprint).toBe(fingerprints[0]!.fingerprint);
  });
});

describe('a text', () => {
  it.each(['', ' \n\t', '\u200b'])(
    'without tokens has no vector, whatever its prompt is: %j',
    async (text) => {
      const tower = await towerOf({}, { documentPrompt: 'a photo of ' });
      const options = { cacheDir: await tempFolder(), cores: 1 };
      const results = await withEmbedder(tower, options, (embedder) =>
        embedder.embed([{ text }, { text: 'a cat' }], 'document', new AbortController().signal),
      );
      expect(results[0]).toMatchObject({ code: 'EMBED_UNREADABLE' });
      expect(results[1]).toBeInstanceOf(Float32Array);
    },
  );
});

describe('a model of texts is refused', () => {
  it('where its graph asks for what is not known', async () => {
    const graph = tokenGraph('last_hidden_state', ['input_ids', 'past_key_values.0.key']);
    await expect(towerOf({ 'onnx/model.onnx': graph })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('asks for past_key_values.0.key, which is not known'),
    });
  });

  it('where its graph asks for positions that do not begin at 0', async () => {
    const graph = tokenGraph('last_hidden_state', ['input_ids', 'position_ids']);
    const roberta = config({ model_type: 'roberta', max_position_embeddings: 514 });
    await expect(towerOf({ ...roberta, 'onnx/model.onnx': graph })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('asks for position_ids, which are not known for roberta'),
    });
  });

  it('where its graph is damaged', async () => {
    const graph = tokenGraph().subarray(0, 500);
    await expect(towerOf({ 'onnx/model.onnx': graph })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('where weights of the wanted type are not there, naming those that are', async () => {
    const loading = towerOf({ 'onnx/model_int8.onnx': tokenGraph() }, { dtype: 'fp16' });
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/no ONNX file with fp16 weights .*; it has those of fp32, int8$/),
    });
  });

  it('where its tokenizer is in no file that is known', async () => {
    const path = await tempFolder();
    const folder = textModel(path, {});
    rmSync(join(path, 'tokenizer.json'));
    await expect(textTower(folder, { model: 'm' })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('has a BertTokenizer, and no tokenizer.json'),
    });
  });
});
