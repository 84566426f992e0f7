import { crc32 } from 'node:zlib';
import type { ColumnChunk, DecodedArray, PageHeader, SchemaTree } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import { compressors } from 'hyparquet-compressors';
import { CorruptParquetError, decoding, unsupported } from './corrupt.ts';
import type { ParquetFile } from './file.ts';
import { checkRuns, type Levels } from './runs.ts';
import { BinaryValue, type Converter, converterOf } from './values.ts';

/** Bytes that are read at once. Writers aim at pages of 1 MB; a longer one is read whole. */
const READ_BYTES = 1_000_000;
/** A page is decoded as a whole, and the format sets no bound to it. */
const MAX_PAGE_BYTES = 1_000_000_000;
/** Pages of binary values that were read again are kept for the next item, up to this many bytes a chunk. */
const KEPT_BYTES = 32_000_000;

/** Those of the library; some of them do not know what writers make of nothing, such as an empty dictionary. */
const decompressors: typeof compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array() : decompress(input, length)),
  ]),
);

type Decoder = Parameters<typeof readPage>[2];
interface Page {
  header: PageHeader;
  body: Buffer;
  /** Of the header in the file. */
  offset: number;
}

/** The rows of one physical column in one row group, page by page, so that no chunk is ever held as a whole. */
export class ChunkPages {
  /** Path of the column, with dots. */
  readonly path: string;
  readonly #file: ParquetFile;
  readonly #decoder: Decoder;
  readonly #isBinary: boolean;
  /** Whether a row may hold several values, and so go on in the next page. */
  readonly #repeats: boolean;
  readonly #end: number;
  readonly #levels: Levels;
  /** Of the whole chunk. */
  readonly #values: number;
  #next: number;
  #window: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };
  #dictionary: DecodedArray | undefined;
  /** The last row of the page before, which this one may continue. */
  #open: unknown[] = [];
  readonly #kept = new Map<number, { rows: Promise<ArrayLike<unknown>>; bytes: number }>();

  constructor(file: ParquetFile, chunk: ColumnChunk, schemaPath: SchemaTree[]) {
    const meta = chunk.meta_data!;
    const { element } = schemaPath.at(-1)!;
    const converter = converterOf(element);
    this.#file = file;
    this.path = meta.path_in_schema.join('.');
    if (schemaPath.some((node) => node.element.logical_type?.type === 'VARIANT'))
      throw unsupported(file.name, `the column "${this.path}" is a VARIANT`);
    this.#levels = {
      repetition: getMaxRepetitionLevel(schemaPath),
      definition: getMaxDefinitionLevel(schemaPath),
      isBoolean: meta.type === 'BOOLEAN',
    };
    this.#repeats = this.#levels.repetition > 0;
    this.#values = Number(meta.num_values);
    this.#isBinary =
      !this.#repeats && converter === undefined && /BYTE_ARRAY$/.test(meta.type) && schemaPath.length > 1;
    this.#decoder = {
      ...meta,
      pathInSchema: meta.path_in_schema,
      schemaPath,
      compressors: decompressors,
      utf8: false,
      ...decodingWith(element, converter),
    };
    const { data_page_offset: data, dictionary_page_offset: dictionary } = meta;
    this.#next = Number(dictionary && dictionary < data ? dictionary : data);
    this.#end = this.#next + Number(meta.total_compressed_size);
    if (this.#next < 0 || this.#end > file.source.size)
      throw new CorruptParquetError(`${this.#what} reaches beyond the end of the file`);
  }

  /** The next rows; undefined at the end. Each page is read once. */
  async read(): Promise<ArrayLike<unknown> | undefined> {
    while (this.#next < this.#end) {
      const page = await this.#readPage(this.#next);
      this.#next += page.body.length + (page.bodyAt - page.offset);
      if (page.header.type === 'DICTIONARY_PAGE') {
        this.#dictionary = this.#decodeDictionary(page);
        continue;
      }
      // Index pages hold no rows.
      if (page.header.type === 'INDEX_PAGE') continue;
      const rows = this.#complete(this.#decode(page, this.#open));
      if (rows.length > 0) return rows;
    }
    return this.#open.length > 0 ? this.#open.splice(0) : undefined;
  }

  get #what(): string {
    return `${this.#file.name}: the column "${this.path}"`;
  }

  /** Holds the last row back where the next page may continue it. */
  #complete(rows: ArrayLike<unknown>): ArrayLike<unknown> {
    if (!this.#repeats) return rows;
    const all = rows as unknown[];
    this.#open = all.splice(-1);
    return all;
  }

  #decode(page: Page, open: unknown[]): ArrayLike<unknown> {
    const { header, body, offset } = page;
    const rows = decoding(`${this.#what}, the page at byte ${offset} cannot be read`, () => {
      const unpacked = this.#unpack(header, body);
      checkRuns(unpacked.bytes, header, this.#levels);
      const { buffer, byteOffset, length } = unpacked.bytes;
      const reader = { view: new DataView(buffer, byteOffset, length), offset: 0 };
      const decoder: Decoder = { ...this.#decoder, codec: 'UNCOMPRESSED' };
      const before = this.#repeats ? open : undefined;
      return readPage(reader, unpacked.header, decoder, this.#dictionary, before, 0).data ?? [];
    });
    return this.#isBinary
      ? Array.from(rows as ArrayLike<unknown>, (row, index) => this.#located(row, offset, index))
      : rows;
  }

  /** A data page as it would be without compression; of version 2 only the values are compressed. */
  #unpack(header: PageHeader, body: Buffer): { header: PageHeader; bytes: Uint8Array } {
    const { codec } = this.#decoder;
    const { uncompressed_page_size: size, data_page_header_v2: v2 } = header;
    if (v2 === undefined) {
      const bytes = decompressPage(body, size, codec, decompressors);
      return { header: { ...header, compressed_page_size: bytes.length }, bytes };
    }
    if (v2.is_compressed === false || codec === 'UNCOMPRESSED') return { header, bytes: body };
    const levels = v2.repetition_levels_byte_length + v2.definition_levels_byte_length;
    const values = decompressPage(body.subarray(levels), size - levels, codec, decompressors);
    const bytes = Buffer.concat([body.subarray(0, levels), values]);
    return { header: { ...header, compressed_page_size: bytes.length }, bytes };
  }

  #decodeDictionary(page: Page): DecodedArray {
    return decoding(`${this.#what}, its dictionary cannot be read`, () => {
      const { header, body } = page;
      const reader = { view: new DataView(body.buffer, body.byteOffset, body.length), offset: 0 };
      const { data } = readPage(reader, header, this.#decoder, undefined, undefined, 0);
      return convert(data ?? [], this.#decoder);
    });
  }

  /** Bytes in their place in the row, which know where they are in the file. */
  #located(row: unknown, offset: number, index: number): unknown {
    if (Array.isArray(row)) return row.map((part) => this.#located(part, offset, index));
    return row instanceof Uint8Array ? new BinaryValue(row, () => this.#reread(offset, index)) : row;
  }

  async #reread(offset: number, index: number): Promise<Uint8Array> {
    const { source } = this.#file;
    await source.acquire();
    try {
      let value = (await this.#rowsAt(offset))[index];
      while (Array.isArray(value)) value = value[0];
      return (value as BinaryValue).bytes;
    } finally {
      await source.release();
    }
  }

  #rowsAt(offset: number): Promise<ArrayLike<unknown>> {
    const known = this.#kept.get(offset);
    if (known !== undefined) return known.rows;
    const entry = { bytes: 0, rows: Promise.resolve<ArrayLike<unknown>>([]) };
    entry.rows = this.#readPage(offset, false).then((page) => {
      entry.bytes = page.header.uncompressed_page_size;
      this.#forgetAllBut(offset);
      return this.#decode(page, []);
    });
    entry.rows.catch(() => this.#kept.delete(offset));
    this.#kept.set(offset, entry);
    return entry.rows;
  }

  /** Lets go of the oldest pages until what is kept is within its bound. */
  #forgetAllBut(offset: number): void {
    let kept = [...this.#kept.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [other, { bytes }] of this.#kept) {
      if (kept <= KEPT_BYTES) return;
      if (other === offset || bytes === 0) continue;
      this.#kept.delete(other);
      kept -= bytes;
    }
  }

  async #readPage(offset: number, ahead = true): Promise<Page & { bodyAt: number }> {
    for (let wanted = 4096; ; wanted *= 4) {
      const length = Math.min(wanted, this.#end - offset);
      const bytes = await this.#bytes(offset, length, ahead);
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
      let header: PageHeader;
      try {
        header = parquetHeader(reader);
      } catch (error) {
        // It ends beyond what was read, or it is broken.
        if (length < this.#end - offset && length < READ_BYTES) continue;
        throw new CorruptParquetError(`${this.#what} has no readable page at byte ${offset}`, {
          cause: error,
        });
      }
      const bodyAt = offset + reader.offset;
      // A broken header may have numbers of another type, which do not compare or add up.
      const checksum = decoding(`${this.#what} has no readable page at byte ${offset}`, () => {
        this.#check(header, offset, bodyAt);
        // A signed integer in the header.
        return header.crc === undefined ? undefined : header.crc >>> 0;
      });
      const body = await this.#bytes(bodyAt, header.compressed_page_size, ahead);
      if (checksum !== undefined && crc32(body) !== checksum)
        throw new CorruptParquetError(`${this.#what}, the page at byte ${offset} fails its checksum`);
      return { header, body, offset, bodyAt };
    }
  }

  #check(header: PageHeader, offset: number, bodyAt: number): void {
    const { compressed_page_size: size, uncompressed_page_size: unpacked } = header;
    if (!(size >= 0) || !(unpacked >= 0) || bodyAt + size > this.#end)
      throw new CorruptParquetError(`${this.#what}, the page at byte ${offset} reaches beyond its column`);
    const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
    const values = v1?.num_values ?? v2?.num_values ?? 0;
    // A dictionary has no more values than it has bytes, unless all of them are empty.
    const entries = dictionary?.num_values ?? 0;
    if (!(values >= 0) || values > this.#values || !(entries >= 0) || entries > unpacked + 1)
      throw new CorruptParquetError(
        `${this.#what}, the page at byte ${offset} says that it has ${values} values`,
      );
    if (Math.max(size, unpacked) > MAX_PAGE_BYTES)
      throw unsupported(
        this.#file.name,
        `the column "${this.path}" has a page of ${Math.max(size, unpacked)} bytes; the limit is ${MAX_PAGE_BYTES}`,
      );
  }

  /** `ahead`: reads on, for the listing will want what follows. */
  async #bytes(start: number, length: number, ahead: boolean): Promise<Buffer> {
    // A page that is longer than what is read ahead is not kept beside its decoded rows.
    if (!ahead || length > READ_BYTES) return this.#file.source.read(start, length);
    const at = start - this.#window.start;
    if (at < 0 || at + length > this.#window.bytes.length) {
      const wanted = Math.min(Math.max(length, READ_BYTES), this.#end - start);
      this.#window = { start, bytes: await this.#file.source.read(start, wanted) };
      return this.#window.bytes.subarray(0, length);
    }
    return this.#window.bytes.subarray(at, at + length);
  }
}

/**
 * Has the library convert each value with `converter`: its one hook that takes every physical type is the parser of
 * timestamps, so the values are declared to be some. INT96, which only timestamps use, comes as nanoseconds.
 */
function decodingWith(element: Decoder['element'], converter: Converter | undefined) {
  const { converted_type: _, logical_type: __, ...physical } = element;
  if (converter === undefined) return { element: physical, parsers: DEFAULT_PARSERS };
  const convertAny = converter as (value: unknown) => unknown;
  return {
    element: {
      ...physical,
      logical_type: { type: 'TIMESTAMP', unit: 'NANOS', isAdjustedToUTC: true } as const,
    },
    parsers: { ...DEFAULT_PARSERS, timestampFromNanoseconds: convertAny },
  };
}
