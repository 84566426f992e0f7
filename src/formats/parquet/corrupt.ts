import { asError, FatalError, SluiceError } from '../../model/errors.ts';

/** The bytes of a Parquet file are not what its footer or its page headers say. */
export class CorruptParquetError extends Error {}

/**
 * Runs what decodes bytes of a file. The decoder trusts its input, so whatever it throws on broken bytes (a RangeError
 * of a DataView as well) means that the file is corrupt; our own errors pass.
 */
export function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof SluiceError || error instanceof CorruptParquetError) throw error;
    throw new CorruptParquetError(`${what}: ${asError(error).message.replace(/^parquet /, '')}`, {
      cause: error,
    });
  }
}

export const unsupported = (file: string, feature: string): FatalError =>
  new FatalError('SOURCE_FEATURE_UNSUPPORTED', `${file}: ${feature}`);
