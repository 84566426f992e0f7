import type { Kind } from '../../model/kind.ts';

/** What may be done to an item so that it fits, in the order in which it is tried. */
export const REPAIR_STEPS = ['downscale', 'reencode', 'transcode', 'split'] as const;
export type RepairStep = (typeof REPAIR_STEPS)[number];

/** What an item must fit. */
export interface RepairTarget {
  /** Most bytes of one item of the kind. */
  maxBytes(kind: Kind): number;
  /** Most pixels of an image. */
  maxPixels: number;
  /** Whether the profile takes a format of the kind. */
  accepts(kind: Kind, format: string): boolean;
}

/** Which part of a divided item: a time in milliseconds, or characters as UTF-16 code units. `end` is not in it. */
export interface Place {
  unit: 'ms' | 'characters';
  begin: number;
  end: number;
}

/** A file in the spool folder, or a text, that takes the place of an item or of a part of it. */
export type RepairedPart = ({ file: string } | { text: string }) & { place?: Place };

export interface Repaired {
  /** What was done, in order. */
  steps: RepairStep[];
  /** One, unless the item was divided. */
  parts: RepairedPart[];
}
