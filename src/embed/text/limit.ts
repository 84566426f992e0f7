import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import type { ModelConfig, TextFiles } from './model-config.ts';

/** Tokenizers without a limit say 1e30. */
const NO_LIMIT = 1e6;
/** Their positions begin behind that of padding: 514 of them are 512 tokens. */
const OFFSET_POSITIONS =
  /^(?:roberta|xlm-roberta|xlm-roberta-xl|camembert|mpnet|data2vec-text|longformer|clap)/;

/**
 * Tokens that a text may have, special ones included: what the user says, else sentence_bert_config.json, else `usual` of
 * models of the kind, else tokenizer_config.json, else config.json; never more than the model has positions for. Throws FatalError MODEL_UNSUPPORTED
 * where nothing says it.
 */
export function tokenLimit(name: string, ref: ModelRef, files: TextFiles, usual?: number): number {
  const { config, sentence, tokenizer } = files;
  const stated = tokenizer.model_max_length;
  const wanted =
    ref.maxTokens ??
    sentence.max_seq_length ??
    usual ??
    (stated !== undefined && stated < NO_LIMIT ? stated : undefined);
  const limit = Math.min(wanted ?? Number.POSITIVE_INFINITY, positionsOf(config) ?? wanted ?? NO_LIMIT);
  if (limit < NO_LIMIT) return limit;
  throw new FatalError(
    'MODEL_UNSUPPORTED',
    `no file of the model ${name} says how many tokens a text may have; give it: ${name}?maxTokens=512`,
  );
}

/** Whether the position of a text's first token is not 0. */
export const hasOffsetPositions = ({ model_type = '' }: ModelConfig): boolean =>
  OFFSET_POSITIONS.test(model_type);

function positionsOf({ text_config, ...config }: TextFiles['config']): number | undefined {
  const positions = text_config?.max_position_embeddings ?? config.max_position_embeddings;
  return positions !== undefined && hasOffsetPositions(config) ? positions - 2 : positions;
}
