import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GrowingFile } from '../growing-file.ts';
import type { CocoObject } from './annotation.ts';
import { ObjectJson } from './object-json.ts';

const MAX_OPEN = 32;
const READ_BYTES = 1_000_000;
/** Text that waits for one write, in UTF-16 code units. */
const WAITING_UNITS = 1_000_000;

/** How far the two lists of a split are; what an export that was cut off remembers. */
export interface SplitState {
  split: string;
  annotations: { bytes: number; count: number };
  images: { bytes: number; count: number };
}

type ListName = 'annotations' | 'images';

/** Text that is not in its file yet. */
interface Waiting {
  state: SplitState;
  list: ListName;
  text: string;
}

/**
 * The COCO files of an export, one for each split, written as they grow: annotations go straight into the file, images
 * beside it, and are appended at the end. A line has the elements of one image.
 */
export class ListFiles {
  readonly #folder: string;
  readonly #head: string;
  readonly #objectJson = new ObjectJson();
  readonly #splits = new Map<string, SplitState>();
  /** By path, the one used last at the end. */
  readonly #open = new Map<string, GrowingFile>();
  readonly #waiting = new Map<string, Waiting>();
  #waitingUnits = 0;
  /** Used for every write: a new one for each would pile up until the heap is looked through. */
  #scratch = Buffer.allocUnsafe(WAITING_UNITS);
  /** Closed since the last `sync`, with their sizes. */
  readonly #unsynced = new Map<string, number>();

  /** `head`: the members that come first, as JSON without the closing brace. */
  constructor(folder: string, head: string, states: readonly SplitState[] = []) {
    this.#folder = folder;
    this.#head = head;
    for (const state of states) this.#splits.set(state.split, structuredClone(state));
  }

  get states(): SplitState[] {
    return structuredClone([...this.#splits.values()]);
  }

  /** Makes the file of a split that may stay without images. */
  async declare(split: string): Promise<void> {
    if (this.#splits.has(split)) return;
    const state = { split, annotations: { bytes: 0, count: 0 }, images: { bytes: 0, count: 0 } };
    this.#splits.set(split, state);
    await this.#append(state, 'annotations', `${this.#head},"annotations":[`);
  }

  async add(split: string, image: object, annotations: readonly CocoObject[]): Promise<void> {
    await this.declare(split);
    const state = this.#splits.get(split)!;
    await this.#line(state, 'images', JSON.stringify(image), 1);
    if (annotations.length === 0) return;
    await this.#line(state, 'annotations', this.#objectJson.elements(annotations), annotations.length);
  }

  /** Resolves when all that was added is on the disk. */
  async sync(): Promise<void> {
    await this.#drain();
    for (const file of this.#open.values()) await file.sync();
    for (const [path, size] of this.#unsynced) {
      const file = await GrowingFile.open(path, size);
      await file.sync().finally(() => file.close());
    }
    this.#unsynced.clear();
  }

  /** Appends each list of images to its file, which is complete then. */
  async assemble(signal: AbortSignal): Promise<void> {
    for (const state of this.#splits.values()) {
      await this.#append(state, 'annotations', '\n],"images":[');
      await this.#drain();
      if (state.images.count > 0) {
        // Opening cuts what an attempt that was killed left behind.
        await this.#opened(state, 'images');
        const part = createReadStream(this.#path(state, 'images'), { highWaterMark: READ_BYTES, signal });
        for await (const chunk of part) await this.#write(state, 'annotations', chunk as Buffer);
      }
      await this.#append(state, 'annotations', '\n]}\n');
    }
    await this.sync();
  }

  /** Removes what was only needed to go on. */
  async removeParts(): Promise<void> {
    await this.close();
    for (const state of this.#splits.values()) await rm(this.#path(state, 'images'), { force: true });
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    for (const file of files) await file.close();
  }

  async #line(state: SplitState, list: ListName, elements: string, count: number): Promise<void> {
    const before = state[list].count;
    state[list].count += count;
    await this.#append(state, list, `${before === 0 ? '\n' : ',\n'}${elements}`);
  }

  async #append(state: SplitState, list: ListName, text: string): Promise<void> {
    const path = this.#path(state, list);
    const waiting = this.#waiting.get(path);
    if (waiting === undefined) this.#waiting.set(path, { state, list, text });
    else waiting.text += text;
    this.#waitingUnits += text.length;
    if (this.#waitingUnits >= WAITING_UNITS) await this.#drain();
  }

  async #drain(): Promise<void> {
    for (const { state, list, text } of this.#waiting.values()) {
      const bytes = Buffer.byteLength(text);
      if (bytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(bytes);
      this.#scratch.write(text);
      await this.#write(state, list, this.#scratch.subarray(0, bytes));
    }
    this.#waiting.clear();
    this.#waitingUnits = 0;
  }

  /** The bytes are with the system when it resolves. */
  async #write(state: SplitState, list: ListName, bytes: Buffer): Promise<void> {
    const file = await this.#opened(state, list);
    await file.append(bytes);
    await file.flush();
    state[list].bytes = file.size;
  }

  async #opened(state: SplitState, list: ListName): Promise<GrowingFile> {
    const path = this.#path(state, list);
    const file = this.#open.get(path) ?? (await GrowingFile.open(path, state[list].bytes));
    this.#open.delete(path);
    this.#open.set(path, file);
    if (this.#open.size > MAX_OPEN) await this.#closeOldest();
    return file;
  }

  async #closeOldest(): Promise<void> {
    const [path, file] = this.#open.entries().next().value!;
    this.#open.delete(path);
    await file.close();
    this.#unsynced.set(path, file.size);
  }

  #path({ split }: SplitState, list: ListName): string {
    const name = fileOf(split);
    return join(this.#folder, list === 'annotations' ? name : `${name}.images.part`);
  }
}

export const fileOf = (split: string): string => `instances_${split}.json`;
