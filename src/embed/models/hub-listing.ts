import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { openUrl } from '../../io/fetch.ts';
import type { Context } from '../../model/contracts.ts';
import { asError, FatalError } from '../../model/errors.ts';
import { hubFailure } from './hub-failure.ts';
import type { Hub, HubFile } from './hub-id.ts';

/** A listing of the largest repositories is some megabytes. */
const LISTING_BYTES = 32_000_000;
const HEX = /^[0-9a-f]+$/;
const listingSchema = z.object({
  sha: z.string().regex(HEX),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().min(0).optional(),
      blobId: z.string().length(40).regex(HEX).optional(),
      lfs: z.object({ sha256: z.string().length(64).regex(HEX) }).optional(),
    }),
  ),
});

/** The files of a model at a branch, tag or commit, with what the hub says of their content. */
export async function listModel(
  hub: Hub,
  id: string,
  revision: string,
  ctx: Context,
): Promise<{ commit: string; files: HubFile[] }> {
  const url = `${hub.endpoint}/api/models/${id}/revision/${revision}?blobs=true`;
  const { allowPrivateAddresses } = hub;
  const { signal, clock } = ctx;
  const answer = await openUrl(url, { signal, clock, allowPrivateAddresses, maxBytes: LISTING_BYTES })
    .then(({ stream }) => buffer(stream))
    .catch((error: unknown) => {
      throw hubFailure(error, { hub, what: `${id}@${revision}` }, ctx);
    });
  try {
    const { sha, siblings } = listingSchema.parse(JSON.parse(answer.toString('utf8')));
    const files = siblings.map(({ rfilename, size, blobId, lfs }) => ({
      name: rfilename,
      ...(size === undefined ? {} : { size }),
      ...(lfs === undefined ? {} : { sha256: lfs.sha256 }),
      // Of an LFS file it is the hash of the pointer, not of the content.
      ...(lfs !== undefined || blobId === undefined ? {} : { gitSha1: blobId }),
    }));
    return { commit: sha, files };
  } catch (cause) {
    const message = `${hub.endpoint} gave no listing of the model ${id}: ${asError(cause).message}`;
    throw new FatalError('MODEL_NOT_FOUND', message, { cause });
  }
}
