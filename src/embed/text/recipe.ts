import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { bgeQueryPrompt } from './bge.ts';
import type { TextFiles } from './model-config.ts';
import { type Pooling, poolingOf } from './pooling.ts';
import type { Cleaning } from './tokenizer.ts';

/** How the text side of a model is used. */
export interface TextRecipe {
  /** Outputs that are the vector already, the best first. */
  ready: readonly string[];
  /** Of the vectors of tokens, where there is no such output. */
  pooling: Pooling | undefined;
  /** Tokens, where no file says how many. */
  maxTokens?: number;
  /** Every text is padded to this many tokens, and the model looks at the padding. */
  padTo?: number;
  cleaning?: Cleaning;
  normalised: boolean;
  prompts: { document?: string; query?: string };
}

/** Models that hold texts and images, or texts and sounds, each with a graph of its own. */
const SIDES: Record<string, Pick<TextRecipe, 'ready' | 'maxTokens'>> = {
  clip: { ready: ['text_embeds'], maxTokens: 77 },
  siglip: { ready: ['pooler_output', 'text_embeds'], maxTokens: 64 },
  siglip2: { ready: ['pooler_output', 'text_embeds'], maxTokens: 64 },
  clap: { ready: ['text_embeds'], maxTokens: 77 },
};

export const hasSides = ({ config }: TextFiles): boolean => Object.hasOwn(SIDES, config.model_type ?? '');

/** Throws FatalError MODEL_UNSUPPORTED. */
export function textRecipe(name: string, ref: ModelRef, files: TextFiles): TextRecipe {
  const { config, modules } = files;
  const type = config.model_type ?? '';
  const prompts = promptsOf(name, ref, files);
  const side = SIDES[type];
  if (side === undefined) {
    const normalised = modules === undefined || modules.some((module) => module.type.endsWith('Normalize'));
    return { ready: readyOf(ref), pooling: poolingOf(name, ref, files), normalised, prompts };
  }
  const recipe = { ...side, pooling: undefined, normalised: true, prompts };
  if (!type.startsWith('siglip')) return recipe;
  const padTo = config.text_config?.max_position_embeddings ?? side.maxTokens!;
  // SigLIP 2 says that it is a `siglip`, and has another tokenizer.
  const first = files.tokenizer.tokenizer_class?.startsWith('SiglipTokenizer') ?? type === 'siglip';
  return { ...recipe, maxTokens: padTo, padTo, cleaning: first ? 'letters' : 'case' };
}

/** A pooling that the user names is done, whatever else the graph gives. */
function readyOf({ pooling }: ModelRef): string[] {
  if (pooling === undefined) return ['sentence_embedding', 'text_embeds'];
  return pooling === 'none' ? ['sentence_embedding', 'text_embeds', 'pooler_output'] : [];
}

function promptsOf(name: string, ref: ModelRef, files: TextFiles): TextRecipe['prompts'] {
  const { prompts = {}, default_prompt_name: usual } = files.prompts;
  const fallback = usual ? prompts[usual] : undefined;
  const document =
    ref.documentPrompt ?? prompts['document'] ?? prompts['passage'] ?? prompts['corpus'] ?? fallback;
  const query = ref.queryPrompt ?? (prompts['query'] || fallback || bgeQueryPrompt(name, files));
  return { ...(document ? { document } : {}), ...(query ? { query } : {}) };
}

/** What sentence-transformers would run on the vector, and no part here does. Throws FatalError MODEL_UNSUPPORTED. */
export function checkModules(name: string, { modules = [] }: TextFiles): void {
  const other = modules.find(({ type }) => !/(?:Transformer|Pooling|Normalize)$/.test(type));
  if (other === undefined) return;
  throw new FatalError(
    'MODEL_UNSUPPORTED',
    `the model ${name} has a module ${other.type} (modules.json), and its graph has no output sentence_embedding that holds what it gives`,
  );
}
