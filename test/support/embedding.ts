import { openEmbedder } from '../../src/embed/embedder.ts';
import type { Tower } from '../../src/embed/tower.ts';
import type { Embedder } from '../../src/model/embedding.ts';
import { testContext } from './context.ts';

/** Loads a tower on the CPU, gives it to `use`, and closes it. */
export async function withEmbedder<R>(
  tower: Tower,
  { cacheDir, cores = 2 }: { cacheDir: string; cores?: number },
  use: (embedder: Embedder) => Promise<R>,
): Promise<R> {
  const embedder = await openEmbedder(tower, { devices: ['cpu'], cores, cacheDir }, testContext());
  try {
    return await use(embedder);
  } finally {
    await embedder.close();
  }
}

/** Vectors of texts; throws where one has none. */
export async function embedTexts(
  embedder: Embedder,
  texts: readonly string[],
  role: 'document' | 'query' = 'document',
): Promise<Float32Array[]> {
  const items = texts.map((text) => ({ text }));
  const results = await embedder.embed(items, role, new AbortController().signal);
  return results.map((result) => {
    if (result instanceof Float32Array) return result;
    throw result;
  });
}

/** Of two vectors of any length. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / Math.sqrt(aa * bb);
}
