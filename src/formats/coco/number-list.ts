/** Numbers a page; a list grows by whole pages, so that growing copies nothing. */
const PAGE_BITS = 14;
const PAGE = 1 << PAGE_BITS;

type Numbers = Uint8Array | Uint32Array | Float64Array;

/** A growing list of numbers in flat memory: as many bytes an entry as `make`'s arrays take. */
export class NumberList<Page extends Numbers = Numbers> {
  length = 0;
  readonly #make: new (
    length: number,
  ) => Page;
  readonly #pages: Page[] = [];

  constructor(make: new (length: number) => Page) {
    this.#make = make;
  }

  push(value: number): void {
    const within = this.length & (PAGE - 1);
    if (within === 0) this.#pages.push(new this.#make(PAGE));
    this.#pages[this.length >>> PAGE_BITS]![within] = value;
    this.length++;
  }

  get(index: number): number {
    return this.#pages[index >>> PAGE_BITS]![index & (PAGE - 1)]!;
  }

  set(index: number, value: number): void {
    this.#pages[index >>> PAGE_BITS]![index & (PAGE - 1)] = value;
  }

  /** Gives the memory back at once: with little else to collect, the collector would leave it for long. */
  free(): void {
    for (const { buffer } of this.#pages.splice(0)) (buffer as ArrayBuffer).transfer(0);
    this.length = 0;
  }
}
