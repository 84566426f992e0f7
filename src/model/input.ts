import type { Annotation } from './annotation.ts';
import type { Kind } from './kind.ts';
import type { Concept, Geo, Metadata } from './labels.ts';

/** What a probe found. Sizes are pixels of the oriented image, times milliseconds, rates hertz. */
export interface MediaInfo {
  /** Canonical lower-case name by content: `jpeg`, `png`, `mp4`, `wav`, `text` … */
  format: string;
  /** Width after EXIF orientation is applied. */
  width?: number;
  /** Height after EXIF orientation is applied. */
  height?: number;
  /** EXIF orientation, 1–8. */
  orientation?: number;
  colorSpace?: string;
  /** Bits per channel. */
  bitDepth?: number;
  alpha?: boolean;
  /** Pages or frames in the file. */
  frames?: number;
  durationMs?: number;
  frameRate?: number;
  codec?: string;
  channels?: number;
  sampleRate?: number;
  /** Of an input that was changed to fit the limits: the file as it was in the source. */
  original?: Pick<MediaInfo, 'format' | 'width' | 'height' | 'orientation'> & {
    sha256: string;
    bytes: number;
  };
}

/** One line of `inputs list --json` and of the `jsonl` format (DESIGN.md §6a). */
export interface Input {
  id: string;
  kind: Kind;
  uri: string;
  sha256: string;
  bytes: number;
  media: MediaInfo;
  /** The text itself; of an image, the text that came with it. */
  text?: string;
  concepts: Concept[];
  metadata: Metadata;
  geo?: Geo;
  datasets: string[];
  split?: string;
  annotations: Annotation[];
  /** ISO 8601; of the inputs of a dataset version. */
  createdAt?: string;
  modifiedAt?: string;
}
