import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KeyTable } from '../io/key-table.ts';

const FLUSH_BYTES = 64 * 1024;

/**
 * Remembers every given id of a run with the uri that used it first, in flat memory: 16 bytes a slot in a table, and
 * the id and uri themselves in a temporary file that is read only when an id comes again.
 */
export class SeenIds {
  readonly #path: string;
  readonly #fd: number;
  readonly #offsets = new KeyTable();
  #written = 0;
  #tail = '';
  #tailBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'w+');
  }

  /** In a run's spool folder, which is made when it is not there. */
  static in(spoolDir: string): SeenIds {
    mkdirSync(spoolDir, { recursive: true });
    return new SeenIds(join(spoolDir, 'ids.tmp'));
  }

  /** The uri that used `id` before; undefined when this is its first use, which is then recorded. */
  firstUse(id: string, uri: string): string | undefined {
    const at = this.#offsets.get(id);
    if (at !== undefined) {
      const [seenId, seenUri] = this.#read(at);
      // Two ids may share a 64-bit hash; the text decides, and the twin is then not tracked for later repeats.
      return seenId === id ? seenUri : undefined;
    }
    this.#offsets.set(id, this.#written + this.#tailBytes);
    const line = `${JSON.stringify([id, uri])}\n`;
    this.#tail += line;
    this.#tailBytes += Buffer.byteLength(line);
    if (this.#tailBytes >= FLUSH_BYTES) this.#flush();
    return undefined;
  }

  close(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#tail);
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#written + done);
    this.#written += bytes.length;
    this.#tail = '';
    this.#tailBytes = 0;
  }

  #read(at: number): [id: string, uri: string] {
    if (at >= this.#written) this.#flush();
    let chunk = Buffer.alloc(0);
    for (let size = 1024; ; size *= 4) {
      chunk = Buffer.alloc(size);
      const n = readSync(this.#fd, chunk, 0, size, at);
      const end = chunk.subarray(0, n).indexOf(10);
      if (end >= 0) return JSON.parse(chunk.toString('utf8', 0, end)) as [string, string];
      if (n < size) throw new Error(`the list of ids ends inside a record at byte ${at}`);
    }
  }
}
