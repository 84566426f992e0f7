import { findTools, type MediaTools } from '../../media/tools.ts';
import type { Context } from '../../model/contracts.ts';
import type { EmbedItem, Encoded } from '../../model/embedding.ts';

/** The programs that decode sounds, looked for when the first one is needed. */
export function soundTools({ searchPath }: Context): () => Promise<MediaTools> {
  let tools: Promise<MediaTools> | undefined;
  return () => {
    tools ??= findTools(searchPath === undefined ? {} : { path: searchPath });
    return tools;
  };
}

export function soundOf(item: EmbedItem): Encoded {
  if ('audio' in item) return item.audio;
  throw new TypeError(`a sound is wanted, not ${Object.keys(item).join()}`);
}
