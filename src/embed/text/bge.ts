import type { TextFiles } from './model-config.ts';

/** The models of the BGE family are told by their name alone; others of the family take no prompt. */
const BGE = /bge-(?:small|base|large)-(en|zh)/i;
const QUERY: Record<string, string> = {
  en: 'Represent this sentence for searching relevant passages: ',
  zh: '为这个句子生成表示以用于检索相关文章：',
};

/** What BGE puts before texts that are searched for; undefined for other models. Its vector is that of the first token. */
export function bgeQueryPrompt(name: string, { config }: TextFiles): string | undefined {
  const language = (BGE.exec(config._name_or_path ?? '') ?? BGE.exec(name))?.[1];
  return language && QUERY[language.toLowerCase()];
}
