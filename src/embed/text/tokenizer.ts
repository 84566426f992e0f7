import { Tokenizer } from '@huggingface/tokenizers';
import { asError, FatalError } from '../../model/errors.ts';
import type { ModelFolder } from '../models/folder.ts';
import type { TextFiles } from './model-config.ts';

/** What is done to a text before it is cut into tokens: `case`, lower case; `letters`, that and no punctuation. */
export type Cleaning = 'case' | 'letters';

export interface TextTokenizer {
  /** Ids of a text, special tokens included; cut to the limit, with the special tokens of its end kept. */
  ids(text: string): number[];
  /** Whether ids hold anything beside special tokens. */
  isEmpty(ids: readonly number[]): boolean;
  padId: number;
}

/** Of Python's `string.punctuation`, which SigLIP's tokenizer takes out. */
const PUNCTUATION = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g;
/** Characters of a token, at most, in any text that is not made to be hard. */
const USUAL_CHARACTERS = 16;
/** … and so many times as many are looked at, where even they do not give enough tokens. */
const MOST_TIMES = 16;
/** Characters; what is longer is cut anywhere. */
const LONGEST_WORD = 10_000;

/** Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED. */
export async function loadTokenizer(
  folder: ModelFolder,
  files: TextFiles,
  { maxTokens, cleaning }: { maxTokens: number; cleaning?: Cleaning | undefined },
): Promise<TextTokenizer> {
  folder.require('tokenizer.json');
  const json = (await folder.json<TokenizerJson>('tokenizer.json'))!;
  const tokenizer = create(folder.name, json, files);
  // A tokenizer without an id for unknown tokens leaves them out.
  const encode = (text: string) => tokenizer.encode(sigmas(text)).ids.filter((id) => id !== undefined);
  // The library for Python lower-cases each character alone, JavaScript a Σ by its place in the word.
  const lowers = /"Lowercase"|"lowercase":true/.test(JSON.stringify(json.normalizer ?? null));
  const sigmas = (text: string) => (lowers ? text.replaceAll('Σ', 'σ') : text);
  const { before, after } = specialTokens(tokenizer);
  if (maxTokens <= before + after) {
    const message = `the model ${folder.name} puts ${before + after} special tokens around a text, and maxTokens is ${maxTokens}`;
    throw new FatalError('MODEL_INVALID', message);
  }
  return {
    padId: padIdOf(tokenizer, json, files),
    isEmpty: (ids) => ids.length <= before + after,
    ids(text) {
      const ids = beginning(cleaned(text, cleaning), maxTokens, encode);
      return ids.length <= maxTokens
        ? ids
        : [...ids.slice(0, maxTokens - after), ...ids.slice(ids.length - after)];
    },
  };
}

interface TokenizerJson {
  normalizer?: unknown;
  padding?: { pad_id?: number } | null;
}

/** What is used of the package, whose declarations are not found under Node's rules. */
interface Encoder {
  encode(text: string, options?: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  token_to_id(token: string): number | undefined;
}

function create(name: string, json: TokenizerJson, { tokenizer }: TextFiles): Encoder {
  try {
    return new Tokenizer(json, tokenizer);
  } catch (cause) {
    const { message: why } = asError(cause);
    const code = /\b(?:unknown|unsupported)\b/i.test(why) ? 'MODEL_UNSUPPORTED' : 'MODEL_INVALID';
    throw new FatalError(code, `tokenizer.json of the model ${name} cannot be used: ${why}`, { cause });
  }
}

/** How many are put before a text and behind it. */
function specialTokens(tokenizer: Encoder): { before: number; after: number } {
  const all = tokenizer.encode('a').ids;
  const own = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const before = all.findIndex((_, at) => own.every((id, i) => all[at + i] === id));
  return { before, after: all.length - own.length - before };
}

function padIdOf(tokenizer: Encoder, json: TokenizerJson, { config, tokenizer: stated }: TextFiles): number {
  const token = typeof stated.pad_token === 'object' ? stated.pad_token?.content : stated.pad_token;
  const id = token === undefined ? undefined : tokenizer.token_to_id(token);
  return id ?? config.text_config?.pad_token_id ?? config.pad_token_id ?? json.padding?.pad_id ?? 0;
}

function cleaned(text: string, cleaning: Cleaning | undefined): string {
  if (cleaning === undefined) return text;
  const lower = text.toLowerCase();
  return cleaning === 'case' ? lower : lower.replace(PUNCTUATION, '').replace(/\s+/g, ' ').trim();
}

/**
 * Ids of the whole text, or of so much of its beginning that they are more than `limit`: a book is not tokenised for its
 * first page. Texts are parted before white space only, where no token crosses, unless a word is no word of a language:
 * 19 MB without a space took 15 s, or all memory there was.
 */
function beginning(text: string, limit: number, encode: (text: string) => number[]): number[] {
  const usual = (limit + 1) * USUAL_CHARACTERS;
  for (let size = usual; ; size *= 2) {
    const part = partOf(text, size);
    const ids = encode(part);
    // The last token of a part may be another one in the whole.
    if (ids.length > limit + 1 || part.length === text.length || size >= usual * MOST_TIMES) return ids;
  }
}

function partOf(text: string, size: number): string {
  const most = size + LONGEST_WORD;
  const rest = text.slice(size, most).search(/(?<=\S)\s/);
  return text.slice(0, rest < 0 ? most : size + rest);
}
