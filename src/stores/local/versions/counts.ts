import type { Annotation } from '../../../model/annotation.ts';
import type { DatasetVersion, VersionMetrics } from '../../../model/dataset.ts';
import type { Kind } from '../../../model/kind.ts';
import type { Concept } from '../../../model/labels.ts';
import { compareUtf8 } from '../id-order.ts';
import type { VersionLine } from './line.ts';

type Counts = Pick<DatasetVersion, 'metrics' | 'inputsByKind' | 'inputsBySplit' | 'concepts' | 'bytes'>;
type ConceptCounts = DatasetVersion['concepts'][string];

/**
 * Counts what is in a version, line by line.
 *
 * A region is a place in an image or frame, or a span of a text. A frame counts once for each input and time, however
 * many annotations it has. Tags are positive concepts: of regions, of frames as a whole, or of inputs as a whole; those
 * of time segments are in `concepts` alone. An input without a concept and without an annotation is unlabelled.
 */
export class VersionCounter {
  readonly #metrics: VersionMetrics = {
    inputsCount: 0,
    unlabeledInputsCount: 0,
    inputsWithMetadataCount: 0,
    inputsWithGeoCount: 0,
    regionsCount: 0,
    boundingBoxesCount: 0,
    polygonsCount: 0,
    pointsCount: 0,
    masksCount: 0,
    framesCount: 0,
    embeddingsCount: 0,
    positiveInputTagsCount: 0,
    positiveRegionTagsCount: 0,
    positiveFrameTagsCount: 0,
    regionInputsCount: 0,
    regionFramesCount: 0,
    frameInputsCount: 0,
  };
  readonly #byKind = new Map<Kind, number>();
  readonly #bySplit = new Map<string, number>();
  readonly #concepts = new Map<string, ConceptCounts>();
  #bytes = 0;

  add({ kind, bytes, concepts, metadata, geo, split, annotations }: VersionLine): void {
    const metrics = this.#metrics;
    metrics.inputsCount++;
    this.#bytes += bytes;
    this.#byKind.set(kind, (this.#byKind.get(kind) ?? 0) + 1);
    if (split !== undefined) this.#bySplit.set(split, (this.#bySplit.get(split) ?? 0) + 1);
    if (concepts.length === 0 && annotations.length === 0) metrics.unlabeledInputsCount++;
    if (Object.keys(metadata).length > 0) metrics.inputsWithMetadataCount++;
    if (geo !== undefined) metrics.inputsWithGeoCount++;
    metrics.positiveInputTagsCount += this.#countConcepts(concepts, false);
    this.#countAnnotations(annotations);
  }

  counts(): Counts {
    const byId = [...this.#concepts].sort(([a], [b]) => compareUtf8(a, b));
    return {
      metrics: { ...this.#metrics },
      inputsByKind: Object.fromEntries([...this.#byKind].sort()),
      inputsBySplit: Object.fromEntries([...this.#bySplit].sort(([a], [b]) => compareUtf8(a, b))),
      concepts: Object.fromEntries(byId),
      bytes: this.#bytes,
    };
  }

  #countAnnotations(annotations: readonly Annotation[]): void {
    if (annotations.length === 0) return;
    const metrics = this.#metrics;
    const frames = new Map<number, { hasRegion: boolean }>();
    let hasRegion = false;
    for (const { region, span, frame, segment, concepts } of annotations) {
      const isRegion = region !== undefined || span !== undefined;
      const positive = this.#countConcepts(concepts, isRegion);
      if (isRegion) {
        metrics.regionsCount++;
        metrics.positiveRegionTagsCount += positive;
        hasRegion = true;
      } else if (frame !== undefined) metrics.positiveFrameTagsCount += positive;
      else if (segment === undefined) metrics.positiveInputTagsCount += positive;
      if (region?.box !== undefined) metrics.boundingBoxesCount++;
      if (region?.polygon !== undefined) metrics.polygonsCount++;
      if (region?.point !== undefined) metrics.pointsCount++;
      if (region?.mask !== undefined) metrics.masksCount++;
      if (frame !== undefined) {
        const known = frames.get(frame.timeMs)?.hasRegion ?? false;
        frames.set(frame.timeMs, { hasRegion: known || isRegion });
      }
    }
    if (hasRegion) metrics.regionInputsCount++;
    if (frames.size > 0) metrics.frameInputsCount++;
    metrics.framesCount += frames.size;
    for (const known of frames.values()) if (known.hasRegion) metrics.regionFramesCount++;
  }

  /** Returns how many are positive. */
  #countConcepts(concepts: readonly Concept[], ofRegion: boolean): number {
    let positive = 0;
    for (const { id, name, value } of concepts) {
      let counted = this.#concepts.get(id);
      if (counted === undefined) {
        counted = { name, positive: 0, negative: 0, regions: 0 };
        this.#concepts.set(id, counted);
      }
      if (value > 0) {
        positive++;
        counted.positive++;
        if (ofRegion) counted.regions++;
      } else counted.negative++;
    }
    return positive;
  }
}
