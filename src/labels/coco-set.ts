import { posix } from 'node:path';
import { annotationOf } from '../formats/coco/annotation.ts';
import { CocoFile } from '../formats/coco/coco-file.ts';
import type { Place } from '../formats/coco/coco-index.ts';
import { isObject, type JsonObject } from '../formats/coco/element-json.ts';
import { NumberList } from '../formats/coco/number-list.ts';
import type { RawPath } from '../io/raw-path.ts';
import type { AnnotationEntry } from '../model/annotation.ts';
import type { CocoPlace } from './coco-files.ts';
import { cleanName, ImageNames } from './coco-names.ts';
import { isAnotherFile } from './same-file.ts';

/** One COCO file, the names of its images, and which of them items have taken. */
export class CocoSet {
  readonly place: CocoPlace;
  readonly file: CocoFile;
  readonly names: ImageNames;
  /** By slot: 0 while no item has taken the image, else 1 + the index of the folder of the item that did. */
  readonly #taken = new NumberList(Uint32Array);
  readonly #folders: string[] = [];
  readonly #folderIndex = new Map<string, number>();

  private constructor(place: CocoPlace, file: CocoFile, names: ImageNames) {
    this.place = place;
    this.file = file;
    this.names = names;
    for (let slot = 0; slot < file.index.images.length; slot++) this.#taken.push(0);
  }

  /** Throws what `CocoFile.open` throws. */
  static async open(place: CocoPlace, options: { holdBytes: number; signal: AbortSignal }): Promise<CocoSet> {
    const names = new ImageNames(place.prefixes);
    const file = await CocoFile.open(place.path, place.name, {
      ...options,
      onImage: (slot, fileName, isNew) => names.add(slot, fileName, isNew),
    });
    return new CocoSet(place, file, names);
  }

  /** An item has the image's labels now; gives the uri of the item that has had them already. */
  take(slot: number, uri: string): string | undefined {
    const folderEnd = uri.lastIndexOf('/') + 1;
    const before = this.#taken.get(slot);
    if (before !== 0) return this.#folders[before - 1] + uri.slice(folderEnd);
    const folder = uri.slice(0, folderEnd);
    let index = this.#folderIndex.get(folder);
    if (index === undefined) {
      index = this.#folders.push(folder) - 1;
      this.#folderIndex.set(folder, index);
    }
    this.#taken.set(slot, index + 1);
    return undefined;
  }

  isTaken(slot: number): boolean {
    return this.#taken.get(slot) !== 0;
  }

  /** The image's element as the file has it; an empty object where it has none that can be read. */
  async image(slot: number): Promise<JsonObject> {
    if (!this.file.index.images.isDeclared(slot)) return {};
    const [image] = await this.elements([this.file.index.images.place(slot)]);
    return image!;
  }

  /** The elements at these places, which ascend; an empty object for what is none. */
  async elements(places: readonly Place[]): Promise<JsonObject[]> {
    const values = await this.file.read(places);
    return values.map((value) => (isObject(value) ? value : {}));
  }

  /** The annotations of an image, in the order of the file. */
  async annotations(slot: number): Promise<AnnotationEntry[]> {
    const { index, name } = this.file;
    const places = index.annotationsOf(slot);
    const values = await this.file.read(places);
    return values.map((value, i) => annotationOf(value, name, places[i]!.offset, index.categories));
  }

  /**
   * Whether the very file that the image is named for is there and is not the item at `own`, below `root`; undefined
   * for an item in an archive.
   */
  async hasOtherFile(slot: number, root: RawPath, own: string | undefined): Promise<boolean> {
    const { file_name: fileName } = await this.image(slot);
    const { spelling, absolute } = cleanName(String(fileName));
    // A name from a file is only looked for below the source, never outside.
    if (absolute || spelling.includes('\0')) return false;
    const paths = this.place.prefixes.map((prefix) => posix.join(prefix, spelling));
    if (own !== undefined && paths.includes(own)) return false;
    for (const path of paths) if (await isAnotherFile(root, path, own ?? '')) return true;
    return false;
  }
}
