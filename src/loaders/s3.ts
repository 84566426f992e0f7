import { formatS3, isS3 } from '../io/s3/address.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Loader } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import { EXPORT_MARKER, STORE_MARKER } from './path-rules.ts';
import { type BucketSource, findObject, folderOf, hasMarker, parsePrefix } from './s3-bucket.ts';
import { isArchive, prefixOfStore } from './s3-listing.ts';
import { ArchiveLoader, BucketLoader, TableLoader } from './s3-loaders.ts';
import { connectionOf, type S3SourceOptions, s3Options } from './s3-options.ts';
import { isTable, openTable } from './s3-table.ts';

/** Objects of a bucket by the beginning of their keys, or a file of rows or an archive in it. */
export const s3: LoaderComponent<S3SourceOptions> = {
  name: 's3',
  summary:
    'Objects of an S3 bucket whose keys begin with a prefix, and what is in ZIP archives among them; ' +
    'or the rows of a CSV, TSV or JSON Lines file there (docs/sources/s3.md)',
  example: 'sluice ingest s3://my-bucket/photos/ --labels folder',
  options: s3Options,
  detect: ({ source }) => (isS3(source) ? 'an address in S3' : undefined),
  async open(source, options, stores = [], signal) {
    const { bucket, prefix } = parsePrefix(source);
    // Only where it is used: the SDK takes a while to load.
    const { openS3 } = await import('../io/s3/reader.ts');
    const reader = await openS3(connectionOf(options));
    const letGo = () => reader.close();
    signal?.addEventListener('abort', letGo, { once: true });
    try {
      return await openLoader({ reader, bucket, prefix, folder: folderOf(prefix) }, options, stores);
    } catch (error) {
      reader.close();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', letGo);
    }
  },
};

async function openLoader(
  source: BucketSource,
  options: S3SourceOptions,
  stores: readonly string[],
): Promise<Loader> {
  const { bucket, prefix, folder } = source;
  const { manifest } = options;
  if ((isTable(prefix) || isArchive(prefix)) && manifest === undefined) {
    const object = await findObject(source, prefix);
    if (object !== undefined) {
      return isTable(prefix)
        ? TableLoader.open(source, object, options)
        : new ArchiveLoader(source, object, options);
    }
  }
  const inBucket = stores.flatMap((store) => prefixOfStore(store, bucket) ?? []);
  const isFolder = prefix === folder;
  const isStore = isFolder && (await hasMarker(source, `${folder}${STORE_MARKER}`));
  const own = isStore ? folder : inBucket.find((store) => prefix.startsWith(store));
  if (own !== undefined) {
    const shown = formatS3({ bucket, key: prefix });
    throw new FatalError(
      'CONFIG_INVALID',
      `${shown} lies in the sluice store ${formatS3({ bucket, key: own })}, which is no source`,
    );
  }
  await assertThere(source);
  return new BucketLoader(
    {
      ...source,
      stores: inBucket,
      isExport: isFolder && (await hasMarker(source, `${folder}${EXPORT_MARKER}`)),
      manifest: manifest === undefined ? undefined : await openTable(source, manifest, options),
    },
    options,
  );
}

/** What keeps the listing from beginning is said before anything is made in the store. An empty bucket is a source. */
async function assertThere({ reader, bucket, prefix }: BucketSource): Promise<void> {
  const looked = new AbortController();
  try {
    for await (const { objects, isLast } of reader.list(bucket, { prefix }, looked.signal)) {
      if (objects.length > 0) return;
      if (isLast) break;
    }
  } finally {
    // The next page is on its way.
    looked.abort();
  }
  if (prefix === '') return;
  throw new FatalError(
    'SOURCE_NOT_FOUND',
    `no object of the bucket ${bucket} has a key that begins with ${JSON.stringify(prefix)}; ` +
      'a prefix is matched as it stands, without any decoding',
  );
}
