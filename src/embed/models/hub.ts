import type { Context } from '../../model/contracts.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import type { ModelFolder } from './folder.ts';
import type { HubId } from './hub-id.ts';

export interface HubOptions {
  /** Of a server with the hub's addresses; `https://huggingface.co` unless given. */
  endpoint?: string;
  /** Also connect to private addresses: a mirror in the own network. */
  allowPrivateAddresses?: boolean;
}

/** The files of a hub's model in the cache; those that are missing are fetched. Throws FatalError MODEL_NOT_FOUND. */
export async function fetchModel(
  { id, revision }: HubId,
  ref: ModelRef,
  options: { cacheDir: string; hub?: HubOptions },
  ctx: Context,
): Promise<ModelFolder> {
  ctx.signal.throwIfAborted();
  throw new FatalError('MODEL_NOT_FOUND', `${id}@${revision} ${ref.model} ${options.cacheDir}`);
}
