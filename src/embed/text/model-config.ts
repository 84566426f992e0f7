import type { ModelFolder } from '../models/folder.ts';

/** What is read of config.json, and of the `text_config` in it where a model has several sides. */
export interface TextConfig {
  model_type?: string;
  _name_or_path?: string;
  hidden_size?: number;
  projection_dim?: number;
  max_position_embeddings?: number;
  pad_token_id?: number;
}

export interface ModelConfig extends TextConfig {
  text_config?: TextConfig;
}

/** What is read of tokenizer_config.json; a token is its text, or an object that holds it. */
export interface TokenizerConfig {
  tokenizer_class?: string;
  model_max_length?: number;
  pad_token?: string | { content: string } | null;
}

/** One of modules.json, which sentence-transformers runs after each other. */
interface Module {
  path: string;
  type: string;
}

/** All that a folder says of its text model beside the graph and the tokenizer. */
export interface TextFiles {
  config: ModelConfig;
  tokenizer: TokenizerConfig;
  modules: readonly Module[] | undefined;
  /** 1_Pooling/config.json, or what modules.json names instead. */
  pooling: Readonly<Record<string, unknown>> | undefined;
  sentence: { max_seq_length?: number | null };
  prompts: { prompts?: Record<string, string>; default_prompt_name?: string | null };
}

/** Throws FatalError MODEL_INVALID. */
export async function readTextFiles(folder: ModelFolder): Promise<TextFiles> {
  const modules = await folder.json<Module[]>('modules.json');
  const pooling = modules?.find(({ type }) => type.endsWith('Pooling'))?.path ?? '1_Pooling';
  return {
    config: (await folder.json<ModelConfig>('config.json')) ?? {},
    tokenizer: (await folder.json<TokenizerConfig>('tokenizer_config.json')) ?? {},
    modules,
    pooling: await folder.json(`${pooling}/config.json`),
    sentence: (await folder.json<TextFiles['sentence']>('sentence_bert_config.json')) ?? {},
    prompts: (await folder.json<TextFiles['prompts']>('config_sentence_transformers.json')) ?? {},
  };
}
