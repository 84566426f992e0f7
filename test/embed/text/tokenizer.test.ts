import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ModelFolder } from '../../../src/embed/models/folder.ts';
import { readTextFiles } from '../../../src/embed/text/model-config.ts';
import { type Cleaning, loadTokenizer } from '../../../src/embed/text/tokenizer.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tokenizers/${name}`, import.meta.url));

async function load(name: string, options: { maxTokens: number; cleaning?: Cleaning }) {
  const folder = new ModelFolder(name, fixture(name));
  return loadTokenizer(folder, await readTextFiles(folder), options);
}

/** Made by test/interop/make-tokenizers.py with the Python library. */
interface Expected {
  text: string;
  ids: number[];
  /** Cut to 16 tokens. */
  cut: number[];
}

const expectedOf = (name: string): Expected[] =>
  JSON.parse(readFileSync(`${fixture(name)}/expected.json`, 'utf8')) as Expected[];

describe.each(['wordpiece', 'clip', 'roberta', 'unigram', 'gemma'])('a tokenizer like that of %s', (name) => {
  it('gives the ids of the Python library', async () => {
    const tokenizer = await load(name, { maxTokens: 512 });
    for (const { text, ids } of expectedOf(name)) expect([text, tokenizer.ids(text)]).toEqual([text, ids]);
  });

  it('cuts a text as the Python library does, keeping the special tokens of its end', async () => {
    const tokenizer = await load(name, { maxTokens: 16 });
    for (const { text, cut } of expectedOf(name)) expect([text, tokenizer.ids(text)]).toEqual([text, cut]);
  });

  it('reads a book no further than its limit, with the same result', async () => {
    const book = 'the quick brown fox, and  two dogs\n'.repeat(3000);
    const cut = (await load(name, { maxTokens: 64 })).ids(book);
    const whole = (await load(name, { maxTokens: 1_000_000 })).ids(book);
    expect(cut).toEqual([...whole.slice(0, 63), whole.at(-1)]);
  });
});

describe.each(['wordpiece', 'clip', 'roberta', 'unigram', 'gemma'])(
  'a text without white space, by %s',
  (name) => {
    it.each([
      ['of one letter', 'a'],
      ['of many characters', '日本語の文章'],
      ['of letters and digits', 'aGVsbG8gd29ybGQ5Zm9v'],
    ])('%s is read at its beginning only', async (_, part) => {
      const tokenizer = await load(name, { maxTokens: 64 });
      const began = performance.now();
      const ids = tokenizer.ids(part.repeat(6_000_000 / part.length));
      expect(performance.now() - began).toBeLessThan(2000);
      expect(ids.length).toBeGreaterThan(2);
      expect(ids.length).toBeLessThanOrEqual(64);
    });
  },
);

describe('a tokenizer', () => {
  it('makes a text lower-case and takes its punctuation out, as the models of SigLIP were taught', async () => {
    const plain = await load('unigram', { maxTokens: 64 });
    const letters = await load('unigram', { maxTokens: 64, cleaning: 'letters' });
    const lower = await load('unigram', { maxTokens: 64, cleaning: 'case' });
    expect(letters.ids(' A photo:  of a [CAT]!\n')).toEqual(plain.ids('a photo of a cat'));
    expect(lower.ids('A photo of a CAT!')).toEqual(plain.ids('a photo of a cat!'));
  });

  it('pads with the token that its files name', async () => {
    expect((await load('clip', { maxTokens: 77 })).padId).toBe(
      (await load('clip', { maxTokens: 77 })).ids('').at(-1),
    );
    expect((await load('roberta', { maxTokens: 77 })).padId).toBe(1);
    expect((await load('wordpiece', { maxTokens: 77 })).padId).toBe(0);
  });

  it('of a kind that is not known is refused by its name', async () => {
    const folder = await tokenizerFolder((json) => ({ ...json, pre_tokenizer: { type: 'Morphemes' } }));
    const loading = loadTokenizer(folder, await readTextFiles(folder), { maxTokens: 16 });
    await expect(loading).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: 'tokenizer.json of the model m cannot be used: Unknown PreTokenizer type: Morphemes',
    });
  });

  it('whose file lacks a part is refused as damaged', async () => {
    const folder = await tokenizerFolder(({ model: _, ...json }) => json);
    const loading = loadTokenizer(folder, await readTextFiles(folder), { maxTokens: 16 });
    await expect(loading).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('is refused where the limit leaves no room for a word', async () => {
    await expect(load('wordpiece', { maxTokens: 2 })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: 'the model wordpiece puts 2 special tokens around a text, and maxTokens is 2',
    });
  });
});

type Json = Record<string, unknown>;

/** With the file of the WordPiece fixture, changed. */
async function tokenizerFolder(change: (json: Json) => Json): Promise<ModelFolder> {
  const path = await tempFolder();
  const json = JSON.parse(readFileSync(`${fixture('wordpiece')}/tokenizer.json`, 'utf8')) as Json;
  writeFileSync(`${path}/tokenizer.json`, JSON.stringify(change(json)));
  return new ModelFolder('m', path);
}
