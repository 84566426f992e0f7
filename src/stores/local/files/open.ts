import { isS3 } from '../../../io/s3/address.ts';
import { FolderFiles } from './folder-files.ts';
import type { StoreFiles } from './store-files.ts';

/** The files below a place, of which nothing is asked yet. The SDK is loaded for buckets alone. */
export async function openFiles(root: string): Promise<StoreFiles> {
  if (!isS3(root)) return new FolderFiles();
  const { BucketFiles } = await import('./bucket-files.ts');
  return BucketFiles.open(root);
}
