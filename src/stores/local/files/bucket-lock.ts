import type { Objects } from '../../../io/s3/objects.ts';
import type { Clock } from '../../../model/contracts.ts';
import { FatalError } from '../../../model/errors.ts';
import { type LockEntry, type LockOwner, type LockPlace, lockName, parseOwner } from '../lock-file.ts';

/**
 * The numbered owners of a lock, one object each. A number is taken by a conditional PUT; the heartbeat is the time of
 * the object's last write, compared with the time of the answer, both by the server's clock.
 */
export class BucketLock implements LockPlace {
  readonly #objects: Objects;
  readonly #key: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #try: <T>(work: () => Promise<T>) => Promise<T>;
  /** What this process wrote last, by its number. */
  readonly #written = new Map<number, { etag: string; text: string }>();

  constructor(
    objects: Objects,
    key: string,
    folder: string,
    clock: Clock,
    attempt: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    this.#objects = objects;
    this.#key = key;
    this.#folder = folder;
    this.#clock = clock;
    this.#try = attempt;
  }

  generations(): Promise<number[]> {
    return this.#try(async () => {
      const prefix = `${this.#key}/`;
      const found: number[] = [];
      for await (const { objects } of this.#objects.list(prefix, '/')) {
        for (const { key } of objects) {
          const name = key.slice(prefix.length);
          if (/^\d{12}\.json$/.test(name)) found.push(Number.parseInt(name, 10));
        }
      }
      return found.sort((a, b) => a - b);
    });
  }

  async newest(): Promise<LockEntry | undefined> {
    const generation = (await this.generations()).at(-1);
    if (generation === undefined) return undefined;
    const object = await this.#try(() => this.#objects.get(this.#keyOf(generation)));
    // A newer owner has cleared it away meanwhile.
    if (object === undefined) return this.newest();
    return {
      generation,
      owner: parseOwner(object.body.toString()),
      heartbeat: this.#clock.now() - (object.ageMs ?? 0),
    };
  }

  async take(generation: number, owner: LockOwner): Promise<boolean> {
    const text = JSON.stringify(owner);
    const etag = await this.#put(generation, text, 'absent');
    if (etag === undefined) return false;
    this.#written.set(generation, { etag, text });
    return true;
  }

  async remove(generation: number): Promise<void> {
    await this.#try(() => this.#objects.remove(this.#keyOf(generation)));
  }

  async beat(generation: number): Promise<void> {
    await this.#replace(generation, this.#written.get(generation)?.text ?? '');
  }

  async release(generation: number, owner: LockOwner): Promise<void> {
    await this.#replace(generation, JSON.stringify({ ...owner, released: true }));
  }

  /** Only what this process wrote: a lock that was taken over is not brought back. */
  async #replace(generation: number, text: string): Promise<void> {
    const written = this.#written.get(generation);
    const etag = written && (await this.#put(generation, text, { etag: written.etag }));
    if (etag === undefined)
      throw new FatalError('STORE_LOCKED', `${this.#folder} was taken over by another process`);
    this.#written.set(generation, { etag, text });
  }

  #put(
    generation: number,
    text: string,
    condition: 'absent' | { etag: string },
  ): Promise<string | undefined> {
    return this.#try(() => this.#objects.put(this.#keyOf(generation), Buffer.from(text), condition));
  }

  #keyOf(generation: number): string {
    return `${this.#key}/${lockName(generation)}`;
  }
}
