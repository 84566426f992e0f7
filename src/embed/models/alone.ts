import type { EngineOptions } from '../tower.ts';

/**
 * Options under which an item's vector does not depend on the items beside it. A graph with dynamic 8-bit quantisation takes the
 * scale of its activations from all rows of a call (MiniLM, 1 or 128 texts at once: cosine 0.986), so there each item is
 * computed alone, which costs 13 %.
 */
export const itemsApart = (graph: Buffer, options: EngineOptions): EngineOptions =>
  graph.includes('DynamicQuantizeLinear') ? { ...options, deviceBatch: 1 } : options;
