import { pipeline, Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { asError, RejectedItemError, RetryableError } from '../model/errors.ts';
import { errnoOf } from './disk-errors.ts';

const DECODERS = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/**
 * Undoes a Content-Encoding that was not asked for (objects are often stored compressed).
 *
 * `count` is called with the decoded bytes so far and may throw; `shown` names the URL in messages. Throws
 * RejectedItemError URL_FETCH_FAILED for an unknown encoding; the stream fails with RetryableError URL_FETCH_FAILED
 * when the content cannot be decoded.
 */
export function decodeContent(
  wire: Readable,
  encoding: string,
  shown: string,
  count: (decodedBytes: number) => void,
): Readable {
  const create = DECODERS.get(encoding);
  if (create === undefined) {
    wire.destroy();
    throw new RejectedItemError('URL_FETCH_FAILED', `${shown}: content encoding ${encoding} is not known`);
  }
  return Readable.from(decode(wire, create(), shown, count), { objectMode: false });
}

async function* decode(
  wire: Readable,
  decoder: ReturnType<typeof createGunzip>,
  shown: string,
  count: (decodedBytes: number) => void,
): AsyncGenerator<Buffer> {
  // Errors of either stream come out of the decoder below.
  pipeline(wire, decoder, () => {});
  let bytes = 0;
  try {
    for await (const chunk of decoder) {
      bytes += chunk.length;
      count(bytes);
      yield chunk;
    }
  } catch (error) {
    if (!isDecoderError(error)) throw error;
    const message = `${shown}: the content cannot be decoded: ${asError(error).message}`;
    throw new RetryableError('URL_FETCH_FAILED', message, { cause: error });
  }
}

/** zlib's codes are Z_DATA_ERROR and the like, or ERR__ERROR_FORMAT_… of Brotli; anything else came down the pipeline. */
const isDecoderError = (error: unknown): boolean => /^(Z_|ERR_)/.test(errnoOf(error) ?? '');
