import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { bgeQueryPrompt } from './bge.ts';
import type { TextFiles } from './model-config.ts';

/** How the vectors of a text's tokens become one: their mean, that of the first token, or that of the last. */
export type Pooling = 'mean' | 'cls' | 'last';

/** As sentence-transformers names them, from its version 6 also without the prefix. */
const KNOWN: Record<string, Pooling> = {
  cls_token: 'cls',
  cls: 'cls',
  mean_tokens: 'mean',
  mean: 'mean',
  lasttoken: 'last',
};
/** Encoders that see the whole text from each token; of these the mean is what sentence-transformers takes. */
const ENCODERS =
  /^(?:albert|bert|camembert|deberta|deberta-v2|distilbert|electra|ernie|modernbert|mpnet|new|nomic_bert|roberta|xlm|xlm-roberta)$/;

/**
 * What the user says, else what the folder says, else what models of the architecture do. Undefined: the graph's own
 * output is the vector. Throws FatalError MODEL_UNSUPPORTED.
 */
export function poolingOf(name: string, ref: ModelRef, files: TextFiles): Pooling | undefined {
  if (ref.pooling !== undefined) return ref.pooling === 'none' ? undefined : ref.pooling;
  if (files.pooling !== undefined) return statedPooling(name, files.pooling);
  if (bgeQueryPrompt(name, files) !== undefined) return 'cls';
  const type = files.config.model_type ?? '';
  return ENCODERS.test(type) ? 'mean' : undefined;
}

function statedPooling(name: string, stated: Readonly<Record<string, unknown>>): Pooling {
  const flags = Object.keys(stated).filter((key) => /^pooling_mode_/.test(key) && stated[key] === true);
  const modes = flags.map((key) => key.slice('pooling_mode_'.length));
  if (modes.length === 0 && stated['pooling_mode'] !== undefined) modes.push(String(stated['pooling_mode']));
  const known = modes.length === 1 ? KNOWN[modes[0]!] : undefined;
  if (known !== undefined && stated['include_prompt'] !== false) return known;
  const what = known === undefined ? modes.join(' and ') || 'nothing' : 'tokens without those of the prompt';
  throw new FatalError(
    'MODEL_UNSUPPORTED',
    `the model ${name} pools ${what} (Pooling in modules.json); known are cls, mean and lasttoken, one of them`,
  );
}

/** Weight of each token of a row of `width`: a row times the vectors of its tokens is the text's vector. */
export function poolingWeights(pooling: Pooling, counts: readonly number[], width: number): Float32Array {
  const weights = new Float32Array(counts.length * width);
  for (const [row, count] of counts.entries()) {
    const at = row * width;
    if (pooling === 'mean') weights.fill(1 / count, at, at + count);
    else weights[at + (pooling === 'cls' ? 0 : count - 1)] = 1;
  }
  return weights;
}
