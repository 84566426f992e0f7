/** What the central directory says about one entry. Sizes and offsets are bytes. */
export interface ZipEntry {
  /** Where its record starts, from the start of the directory. */
  record: number;
  recordSize: number;
  name: string;
  /** The name as its raw bytes, one character a byte. */
  rawName: string;
  /** Where its local header starts, from the start of the file. */
  offset: number;
  compressedSize: number;
  size: number;
  crc32: number;
  flags: number;
  method: number;
  /** Unix file mode; 0 where the entry was not made on Unix or macOS. */
  mode: number;
  extraLength: number;
}

/** An entry with what only the whole directory tells about it. */
export interface PlacedEntry extends ZipEntry {
  /** Where the next entry or the directory starts: an entry may not reach beyond. */
  limit: number;
  /** It shares bytes with another entry or with the directory. */
  overlaps: boolean;
  /** An entry before it has the same name. */
  repeated: boolean;
}
