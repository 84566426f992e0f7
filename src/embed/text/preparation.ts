import type { Role } from '../../model/embedding.ts';
import { RejectedItemError } from '../../model/errors.ts';
import type { Feeds, Preparation, Tensor } from '../onnx/preparation.ts';
import { type Pooling, poolingWeights } from './pooling.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** What a graph of texts may ask for; int64 [N, T] each. */
export const TEXT_INPUTS = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'] as const;
export type TextInput = (typeof TEXT_INPUTS)[number];
/** Input that is put into a graph whose vectors of tokens are pooled: float32 [N, T], rows of sum 1. */
export const WEIGHTS_INPUT = 'sluice_weights';

export interface TextPreparation {
  tokenizer: TextTokenizer;
  inputs: readonly TextInput[];
  output: string;
  pooling?: Pooling | undefined;
  /** Tokens of every row, where the graph or the model asks for it. */
  padTo?: number | undefined;
  /** Whether the model looks at the padding: SigLIP learnt to. */
  seesPadding: boolean;
  maxTokens: number;
  prompts: { readonly document?: string; readonly query?: string };
}

/** Tokens of a text of usual length, to measure with. */
const SAMPLE_TOKENS = 64;

/** Texts; an item that is prepared is the ids of its tokens. */
export function textPreparation(options: TextPreparation): Preparation<readonly number[]> {
  const { tokenizer, inputs, output, pooling, padTo, seesPadding, prompts } = options;
  return {
    output,
    prepare(item, role) {
      if (!('text' in item)) throw new TypeError(`a text is wanted, not ${Object.keys(item).join()}`);
      return tokensOf(item.text, role);
    },
    collate(rows): Feeds {
      const counts = rows.map((ids) => ids.length);
      const width = padTo ?? Math.max(...counts);
      const mask = (row: number, at: number) => (seesPadding || at < counts[row]! ? 1 : 0);
      const value: Record<TextInput, (row: number, at: number) => number> = {
        input_ids: (row, at) => rows[row]![at] ?? tokenizer.padId,
        attention_mask: mask,
        token_type_ids: () => 0,
        position_ids: (_, at) => at,
      };
      const feeds: Feeds = {};
      for (const input of inputs) feeds[input] = int64(rows.length, width, value[input]);
      if (pooling !== undefined) {
        const data = poolingWeights(pooling, counts, width);
        feeds[WEIGHTS_INPUT] = { type: 'float32', dims: [rows.length, width], data };
      }
      return feeds;
    },
    length: (ids) => padTo ?? ids.length,
    sample: () => {
      const word = tokenizer.ids('a');
      const length = Math.min(padTo ?? SAMPLE_TOKENS, options.maxTokens);
      return Array.from({ length }, (_, at) => word[Math.min(at, word.length - 1)]!);
    },
  };

  function tokensOf(text: string, role: Role): number[] {
    const prompt = prompts[role] ?? '';
    // Whatever the prompt is, there is nothing to be found in an empty text.
    if (text.trim() !== '') {
      const ids = tokenizer.ids(prompt + text);
      if (!tokenizer.isEmpty(prompt === '' ? ids : tokenizer.ids(text))) return ids;
    }
    throw new RejectedItemError('EMBED_UNREADABLE', 'the text is empty for the model: it has no tokens');
  }
}

function int64(rows: number, width: number, value: (row: number, at: number) => number): Tensor {
  const data = new BigInt64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < width; at++) data[row * width + at] = BigInt(value(row, at));
  }
  return { type: 'int64', dims: [rows, width], data };
}
