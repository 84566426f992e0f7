import type { LabelComponent } from '../model/component.ts';
import { FatalError } from '../model/errors.ts';

type AnyLabels = LabelComponent<unknown>;

/** Every label source. */
const LABELS = new Map<string, () => Promise<AnyLabels>>([
  ['coco', async () => (await import('./coco.ts')).coco],
  ['masks', async () => (await import('./masks.ts')).masks],
  ['huggingface', async () => (await import('./huggingface.ts')).huggingface],
  ['clarifai', async () => (await import('./clarifai.ts')).clarifai],
]);

export const labelNames: readonly string[] = [...LABELS.keys()];

/** Throws FatalError CONFIG_INVALID naming the label sources there are. */
export async function loadLabels(name: string): Promise<AnyLabels> {
  const load = LABELS.get(name);
  if (load === undefined) {
    throw new FatalError(
      'CONFIG_INVALID',
      `no label source is named ${name}; there are ${labelNames.join(', ')}`,
    );
  }
  return load();
}
