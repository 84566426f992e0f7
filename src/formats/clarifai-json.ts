import type { AnnotationEntry } from '../model/annotation.ts';
import type { ItemLabels } from '../model/contracts.ts';
import { RejectedItemError } from '../model/errors.ts';
import { FieldError, readConcept, readGeo } from './clarifai-json-fields.ts';
import type { ClarifaiAnnotations, Part } from './clarifai-json-parts.ts';
import { readRegionInfo } from './clarifai-json-region.ts';

/** Makes drafts of what was read, and decodes the masks. */
export async function clarifaiLabels(read: ClarifaiAnnotations, signal: AbortSignal): Promise<ItemLabels> {
  const annotations: AnnotationEntry[] = [];
  for (const entry of read.entries) annotations.push('code' in entry ? entry : await draftOf(entry, signal));
  const { concepts, metadata, geo } = read;
  return {
    ...(concepts.length === 0 ? {} : { concepts }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(geo === undefined ? {} : { geo }),
    ...(annotations.length === 0 ? {} : { annotations }),
  };
}

async function draftOf(
  { ref, header, data, regionInfo }: Part,
  signal: AbortSignal,
): Promise<AnnotationEntry> {
  try {
    const concepts = data?.messages('concepts') ?? [];
    const named = concepts.find((concept) => concept.has('keypointInfo'));
    const keypointNames = named?.message('keypointInfo')?.strings('keypointNames') ?? [];
    const text = data?.message('text')?.string('raw') ?? '';
    const metadata = data?.struct('metadata');
    const geo = readGeo(data);
    return {
      ...header,
      ref,
      unit: 'normalised',
      concepts: concepts.map(readConcept),
      ...(regionInfo === undefined ? {} : await readRegionInfo(regionInfo, keypointNames, signal)),
      ...(text === '' ? {} : { text }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(geo === undefined ? {} : { geo }),
    };
  } catch (error) {
    if (error instanceof RejectedItemError)
      return { ref, code: error.code, message: `${ref}: ${error.message}` };
    if (!(error instanceof FieldError)) throw error;
    return { ref, code: 'ANNOTATION_INVALID_ARGUMENT', message: `${ref}: ${error.message}` };
  }
}
