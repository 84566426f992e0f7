import { hash } from 'node:crypto';
import type { Annotation } from './annotation.ts';
import type { Kind } from './kind.ts';

/** The box annotations of an input, which a workflow with `regions` embeds, in their order. */
export const boxesOf = (annotations: readonly Annotation[]): Annotation[] =>
  annotations.filter(({ region }) => region?.box !== undefined);

/**
 * What of an input is embedded: its bytes, and of an image whose regions are embedded also its boxes. Two inputs with
 * one key have equal vectors.
 */
export function contentKey(
  input: { kind: Kind; sha256: string; annotations: readonly Annotation[] },
  regions: boolean,
): string {
  const boxes = regions && input.kind === 'image' ? boxesOf(input.annotations) : [];
  if (boxes.length === 0) return input.sha256;
  const told = boxes.map(({ id, region }) => {
    const { top, left, bottom, right } = region!.box!;
    return [id, top, left, bottom, right];
  });
  return `${input.sha256}.${hash('sha256', JSON.stringify(told), 'hex').slice(0, 16)}`;
}
