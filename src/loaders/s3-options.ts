import { resolve } from 'node:path';
import { z } from 'zod';
import type { S3Options } from '../io/s3/options.ts';
import { archiveFields } from './archive-options.ts';
import { globOptions } from './globs.ts';
import { maxLineBytes } from './jsonl.ts';
import { labelOptions } from './labels.ts';
import { manifestFields } from './manifest-options.ts';
import { allowOutside } from './reach.ts';
import { urlFields } from './urls.ts';

/** How a bucket is reached; the credentials are never here. */
const connectionFields = {
  endpoint: z
    .string()
    .refine(isPlainHttpUrl, 'expected an http or https URL without a user name, a password or a query')
    .optional()
    .describe(
      'URL of an S3-compatible server other than Amazon’s; by default what AWS_ENDPOINT_URL_S3 or the profile says',
    ),
  region: z
    .string()
    .min(1)
    .optional()
    .describe('Region of the bucket; by default what AWS_REGION or the profile says, or what S3 tells'),
  pathStyle: z
    .boolean()
    .optional()
    .describe(
      'The bucket in the path of URLs and not in their host name; by default so at endpoints other than Amazon’s',
    ),
  requesterPays: z
    .boolean()
    .default(false)
    .describe('Pay for the requests to a bucket whose owner wants that of who reads it'),
  anonymous: z.boolean().default(false).describe('Send requests without credentials, to a public bucket'),
  caFile: z
    .string()
    .min(1)
    .overwrite((path) => resolve(path))
    .optional()
    .describe('File of certificate authorities in PEM that are trusted beside the usual ones'),
};

export const s3Options = z.strictObject({
  ...connectionFields,
  recursive: z
    .boolean()
    .default(true)
    .describe('Keys with a slash behind the prefix, too, unless --no-recursive'),
  ...labelOptions,
  ...globOptions,
  manifest: z
    .string()
    .min(1)
    .optional()
    .describe(
      'CSV, TSV or JSON Lines in the bucket whose rows say what its objects are; other objects are listed as usual',
    ),
  allowOutside,
  ...urlFields,
  ...manifestFields,
  maxLineBytes,
  ...archiveFields,
});
export type S3SourceOptions = z.infer<typeof s3Options>;

/** How the bucket of a source is reached. */
export function connectionOf(options: S3SourceOptions): S3Options {
  const { endpoint, region, pathStyle, requesterPays, anonymous, caFile } = options;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { pathStyle }),
    ...(caFile === undefined ? {} : { caFile }),
    requesterPays,
    anonymous,
  };
}

function isPlainHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && search === '';
}
