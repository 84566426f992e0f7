import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { vi } from 'vitest';
import { type VersityGw, versityGw } from '../../support/versitygw.ts';

export interface BucketServer extends VersityGw {
  /** `s3://store-bucket/data/store` */
  store: string;
  keys(prefix?: string): Promise<string[]>;
}

/** A server with an empty bucket, which the SDK of this process and of its children then finds. */
export async function bucketServer(): Promise<BucketServer> {
  const server = await versityGw();
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint);
  await server.makeBucket('store-bucket');
  return {
    ...server,
    store: 's3://store-bucket/data/store',
    async keys(prefix = '') {
      const { Contents = [] } = await server.client.send(
        new ListObjectsV2Command({ Bucket: 'store-bucket', Prefix: `data/store/${prefix}` }),
      );
      return Contents.map(({ Key = '' }) => Key.slice('data/store/'.length));
    },
  };
}
