import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asError, FatalError } from '../model/errors.ts';
import type { Generation, IndexedModel, WorkflowNode } from '../model/workflow.ts';
import type { Tower } from './tower.ts';

const short = (value: unknown): string => hash('sha256', JSON.stringify(value), 'hex').slice(0, 16);

/**
 * What the vectors of a tower are known by: weights, preprocessing, dtype, normalisation and document prompt. Of the same
 * weights, those that are pooled in another way are another space.
 */
export async function fingerprintOf(tower: Tower): Promise<{ fingerprint: string; space: string }> {
  const { modality, dtype, normalised, preprocessing, prompts } = tower;
  const [files, spaceFiles] = await Promise.all([fileHashes(tower.files), fileHashes(tower.spaceFiles)]);
  const { pooling, take } = preprocessing;
  const alone = spaceFiles.every((file) => files.includes(file));
  return {
    fingerprint: short({
      engine: 'onnx',
      modality,
      files,
      dtype,
      normalised,
      preprocessing,
      documentPrompt: prompts?.document ?? '',
    }),
    space: short({ engine: 'onnx', files: spaceFiles, normalised, ...(alone ? { pooling, take } : {}) }),
  };
}

/** Of one model of a workflow: the embedder's own, and how the parts of an input are taken. */
export function nodeFingerprint(
  fingerprint: string,
  { kind, node, regions }: { kind: IndexedModel['kind']; node: WorkflowNode; regions: boolean },
): string {
  const { sampleMs, maxFrames } = node;
  if (kind === 'video') return short({ fingerprint, sampleMs, maxFrames });
  return kind === 'image' && regions ? short({ fingerprint, regions }) : fingerprint;
}

/** Of a workflow's fingerprints in their order. */
export const generationId = (models: Generation['models'], regions: boolean): string =>
  short({ regions, models: models.map(({ kind, node, fingerprint }) => [kind, node.name, fingerprint]) });

/** SHA-256 of each, sorted. Throws FatalError MODEL_NOT_FOUND. */
export async function fileHashes(files: readonly string[]): Promise<string[]> {
  const hashes = await Promise.all(
    files.map(async (file) => {
      const sum = createHash('sha256');
      try {
        await pipeline(createReadStream(file), sum);
      } catch (cause) {
        const message = `${basename(file)} of the model cannot be read: ${asError(cause).message}`;
        throw new FatalError('MODEL_NOT_FOUND', message, { cause });
      }
      return sum.digest('hex');
    }),
  );
  // Whatever order a folder is listed in.
  return hashes.sort();
}
