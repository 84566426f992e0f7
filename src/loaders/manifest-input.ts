import type { Readable } from 'node:stream';
import type { FetchUrl } from '../io/fetch.ts';
import type { Code } from '../model/codes.ts';
import type { SourceItem } from '../model/contracts.ts';

/** What a row gets from the file it names. */
export type ResolvedFile = Pick<SourceItem, 'file' | 'open' | 'size' | 'fingerprint' | 'fileName'>;

/** Why the file that a row names cannot be an input. */
export interface Refusal {
  code: Code;
  message: string;
  measured?: number | string;
  limit?: number | string;
}

/** A CSV of inputs, and what its rows may refer to. */
export interface ManifestInput {
  /** Of the CSV, relative to the source; rows are `<uri>#L<line>`. */
  uri: string;
  /** The whole content, from its start. May be called more than once. */
  open(): Promise<Readable>;
  /** Bytes, where they are known; reading more or fewer makes the listing incomplete. */
  size?: number;
  /** Finds the file of a path as it stands in a cell, relative to the CSV. Rejects only with FatalError. */
  resolveFile(path: string): Promise<ResolvedFile | Refusal>;
  fetchUrl: FetchUrl;
}
