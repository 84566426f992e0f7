import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import {
  type BatchElement,
  readJsonBatch,
  readProtobufBatch,
} from '../formats/clarifai-proto/batch-elements.ts';
import { MediaRange, WireError } from '../formats/clarifai-proto/decode.ts';
import { readLabels } from '../formats/clarifai-proto/read-annotations.ts';
import { dataOf, type InputContent, readContent } from '../formats/clarifai-proto/read-input.ts';
import { BrokenJson } from '../formats/coco/list-scanner.ts';
import type { FetchUrl } from '../io/fetch.ts';
import { percentDecoded } from '../io/redact.ts';
import { hex } from '../io/zip/corrupt.ts';
import type { PlacedEntry } from '../io/zip/entry.ts';
import { quoted } from '../io/zip/entry-name.ts';
import { openEntry } from '../io/zip/entry-stream.ts';
import { dataProblem, namingProblem, type ZipLimits } from '../io/zip/guards.ts';
import { localHeaderLength } from '../io/zip/local-header.ts';
import type { RandomAccess } from '../io/zip/random-access.ts';
import type { Listed, SourceItem } from '../model/contracts.ts';
import { RejectedItemError, RetryableError, SluiceError } from '../model/errors.ts';
import { outcomeOf } from '../model/outcome.ts';
import { problemOutcome } from './archive-entries.ts';
import { isHttpUrl, urlContent } from './urls.ts';

export type BatchFormat = 'protobuf' | 'json';

export interface BatchOptions {
  maxInputBytes: number;
  fetchUrl: FetchUrl;
  signal: AbortSignal;
}

const NO_SPLIT = 'all';
const STORED = 0;
/** Of a compressed entry the media are held until they are read. */
const limitsOf = ({ method }: PlacedEntry): ZipLimits => ({
  entryBytes: method === STORED ? 4_000_000_000 : 500_000_000,
  totalBytes: Number.POSITIVE_INFINITY,
  ratio: 200,
});

/** Media that stay in the entry: bytes from `start` on, which have this CRC, and are JSON with the media in base64 or not. */
interface Later {
  start: number;
  bytes: number;
  crc32: number;
  isJson: boolean;
  /** Of the media. */
  size: number;
}

/** An input of a batch whose media were left where they are. */
interface Found {
  content: Omit<InputContent, 'base64'>;
  /** Without the media. */
  data: Record<string, unknown>;
  fingerprint: string;
  /** Where they are, to be read later; of a compressed entry, which cannot be read at a place, the media themselves. */
  media?: Later | Buffer;
}

/** Lists the batches of an archive, one after the other; an entry that does not match its CRC is one outcome. */
export class ArchiveBatches {
  /** Inputs listed so far. */
  inputs = 0;
  /** What an entry has less than its name says. */
  missing: string | undefined;
  #repeats = 0;
  readonly #source: RandomAccess;
  readonly #uri: string;
  readonly #options: BatchOptions;

  constructor(source: RandomAccess, uri: string, options: BatchOptions) {
    this.#source = source;
    this.#uri = uri;
    this.#options = options;
  }

  /** All of a small entry. */
  async head(entry: PlacedEntry): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const chunk of openEntry(this.#source, entry, this.#options)) parts.push(chunk as Buffer);
    return Buffer.concat(parts);
  }

  async *list(entry: PlacedEntry, format: BatchFormat): AsyncGenerator<Listed, void, void> {
    if (entry.name.endsWith('/') && entry.size === 0) return;
    const uri = `${this.#uri}!/${entry.name}`;
    const refusal = namingProblem(entry) ?? dataProblem(entry, limitsOf(entry));
    if (refusal !== undefined) {
      yield problemOutcome(uri, refusal);
      return;
    }
    if (entry.repeated) {
      const message = `an entry before this one is named ${quoted(entry.name)}, too`;
      yield problemOutcome(`${uri}#repeat-${++this.#repeats}`, { code: 'ZIP_ENTRY_DUPLICATE', message });
      return;
    }
    let found: (Found | Error)[];
    let start: number;
    try {
      start = await this.#dataStart(entry);
      found = await this.#read(entry, format);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      yield problemOutcome(uri, entryProblem(error));
      return;
    }
    this.#checkCount(entry.name, found.length);
    const split = splitOf(entry.name);
    for (const [i, each] of found.entries()) {
      this.inputs++;
      yield await this.#item(each, `${uri}#${i + 1}`, split, start);
    }
  }

  async #dataStart(entry: PlacedEntry): Promise<number> {
    const header = await this.#source.read(entry.offset, Math.min(512, entry.limit - entry.offset));
    return entry.offset + localHeaderLength(header, entry);
  }

  /** Everything but the media, once the whole entry was found to match its CRC. */
  async #read(entry: PlacedEntry, format: BatchFormat): Promise<(Found | Error)[]> {
    const found: (Found | Error)[] = [];
    const take = (element: BatchElement, raw: Buffer) => {
      try {
        found.push(foundOf(element, raw, entry.method !== STORED));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        found.push(error);
      }
    };
    const { signal, maxInputBytes } = this.#options;
    const chunks = openEntry(this.#source, entry, { signal }) as AsyncIterable<Buffer>;
    if (format === 'json') await readJsonBatch(chunks, signal, take);
    else await readProtobufBatch(chunks, maxInputBytes, take);
    return found;
  }

  #checkCount(name: string, count: number): void {
    const declared = /_n(?<count>\d+)(?:\.\w+)?$/.exec(name)?.groups?.['count'];
    if (declared === undefined || Number(declared) === count) return;
    this.missing ??= `${this.#uri}!/${name} has ${count} inputs where its name says ${declared}`;
  }

  async #item(found: Found | Error, uri: string, split: string | undefined, start: number): Promise<Listed> {
    if (found instanceof Error)
      return outcomeOf(uri, 'list', 'INPUT_INVALID_ARGUMENT', { message: found.message });
    const { content, data, fingerprint } = found;
    const { id, kind, text, url } = content;
    if (id === '') {
      return outcomeOf(uri, 'list', 'INPUT_INVALID_REQUEST', { message: 'the input has no id' });
    }
    if (url !== undefined && !isHttpUrl(url)) {
      const message = `expected an http or https URL (${JSON.stringify(url.slice(0, 200))})`;
      return outcomeOf(uri, 'list', 'INPUT_INVALID_URL', { inputId: id, message });
    }
    const labels = await readLabels(data, uri, this.#options.signal);
    return {
      id,
      idGiven: true,
      kind,
      uri,
      ...(text === undefined ? {} : { text }),
      ...(split === undefined ? {} : { split }),
      ...labels,
      ...(url === undefined ? {} : urlContent(url, this.#options.fetchUrl)),
      ...(url === undefined ? { fingerprint } : {}),
      ...this.#media(found, start),
    };
  }

  /** The bytes of the media, read from the archive when they are asked for. */
  #media({ media, content }: Found, start: number): Pick<SourceItem, 'open' | 'size'> {
    if (media === undefined) return {};
    if (Buffer.isBuffer(media)) return { size: media.length, open: async () => Readable.from([media]) };
    const chunks = () => this.#later(media, start);
    const read = media.isJson ? () => decoded(chunks(), content.kind) : chunks;
    return {
      size: media.size,
      open: async (signal) => Readable.from(read(), { objectMode: false, signal }),
    };
  }

  /** Holds the archive while it is read, and the bytes against those of the listing. */
  async *#later({ start, bytes, crc32: expected }: Later, dataStart: number): AsyncGenerator<Buffer> {
    const source = this.#source;
    await source.acquire();
    try {
      let crc = 0;
      for await (const chunk of source.stream(dataStart + start, dataStart + start + bytes)) {
        crc = crc32(chunk, crc);
        yield chunk;
      }
      if (crc === expected) return;
      throw new RetryableError('INPUT_CHANGED_WHILE_READ', `${source.name} changed since it was listed`, {
        measured: hex(crc),
        limit: hex(expected),
      });
    } finally {
      await source.release();
    }
  }
}

async function* decoded(chunks: AsyncIterable<Buffer>, kind: string): AsyncGenerator<Buffer> {
  const message = JSON.parse((await buffer(chunks)).toString()) as {
    data: Record<string, { base64: string }>;
  };
  yield Buffer.from(message.data[kind]!.base64, 'base64');
}

function foundOf({ message, offset }: BatchElement, raw: Buffer, keepsMedia: boolean): Found {
  const { base64, ...content } = readContent(message);
  const { [content.kind]: _, ...data } = dataOf(message);
  const crc = crc32(raw);
  const found: Found = { content, data, fingerprint: `${hex(crc)}-${raw.length}` };
  if (base64 === undefined) return found;
  if (base64 instanceof MediaRange) {
    const { start, bytes } = base64;
    const media = raw.subarray(start, start + bytes);
    const later = { start: offset + start, bytes, crc32: crc32(media), isJson: false, size: bytes };
    return { ...found, media: keepsMedia ? Buffer.from(media) : later };
  }
  const size = Buffer.byteLength(base64, 'base64');
  const later = { start: offset, bytes: raw.length, crc32: crc, isJson: true, size };
  return { ...found, media: keepsMedia ? Buffer.from(base64, 'base64') : later };
}

/** What a batch that cannot be read is. */
function entryProblem(error: unknown) {
  if (error instanceof SluiceError) {
    const { code, message, measured, limit } = error;
    return { code, message, measured, limit };
  }
  if (error instanceof WireError || error instanceof BrokenJson)
    return new RejectedItemError('ZIP_ENTRY_CORRUPT', `the entry is no InputBatch: ${error.message}`);
  throw error;
}

/** The folder that an entry is in, as the exporters escape it; the SDK's own name for no split is none. */
function splitOf(name: string): string | undefined {
  const slash = name.lastIndexOf('/');
  const folder = slash < 0 ? NO_SPLIT : name.slice(0, slash);
  return folder === NO_SPLIT ? undefined : percentDecoded(folder);
}
