import { spawn } from 'node:child_process';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { onTestFinished, vi } from 'vitest';
import { pythonExecutable } from './python-environment.ts';

/** A server of its own for the test, which the SDK of this process and of its children then finds. */
export async function s3Server(): Promise<S3Client> {
  const child = spawn(pythonExecutable('s3'), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (address !== undefined) resolve(address);
    });
    child.on('error', reject).on('close', () => reject(new Error(said)));
  });
  vi.stubEnv('AWS_ENDPOINT_URL_S3', endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'never-to-be-printed');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const client = new S3Client({ forcePathStyle: true });
  onTestFinished(() => client.destroy());
  return client;
}

/** Every object of a bucket with its content in base64. */
export async function objectsIn(client: S3Client, bucket: string): Promise<Record<string, string>> {
  const objects: Record<string, string> = {};
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    for (const { Key = '' } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      objects[Key] = await Body!.transformToString('base64');
    }
  }
  return objects;
}
