import type { ReadyItem } from '../../src/model/contracts.ts';

/** A small text that passed validation; `released` counts how often its bytes were given back. */
export function readyItem(name: string): ReadyItem & { released: number } {
  const buffer = Buffer.from(name);
  return {
    item: { id: name, uri: `${name}.txt` },
    kind: 'text',
    sha256: '0'.repeat(64),
    bytes: buffer.length,
    media: { format: 'text' },
    payload: { buffer },
    wireBytes: buffer.length + 20,
    released: 0,
    release() {
      this.released++;
    },
  };
}
