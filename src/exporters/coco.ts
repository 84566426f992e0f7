import { z } from 'zod';
import type { ExporterComponent } from '../model/export.ts';
import { ClassMap, classMapFields, classMapPath } from './class-map.ts';
import { CocoExport } from './coco/export.ts';
import { LOSSES } from './coco/losses.ts';
import { SEGMENTATIONS } from './coco/outline.ts';
import { MEDIA_HELP } from './media-option.ts';
import { normaliseFields, withNormalised } from './normalise.ts';

/** Bytes of JSON, about: of an image, of a region with a short outline, of a class. */
const IMAGE_BYTES = 250;
const REGION_BYTES = 400;
const CLASS_BYTES = 150;

const options = z.strictObject({
  segmentation: z
    .enum(SEGMENTATIONS)
    .default('auto')
    .describe(
      'Outlines: auto writes polygons without holes as they are and the rest as run-length masks, rle masks only, polygon polygons only',
    ),
  unlabelled: z
    .string()
    .min(1)
    .optional()
    .describe('Category for regions without a concept, which are left out unless one is named'),
  media: z.enum(['files', 'none']).default('files').describe(MEDIA_HELP),
  ...normaliseFields,
  ...classMapFields,
});
export type CocoOptions = z.infer<typeof options>;

/**
 * COCO's instances: `annotations/instances_<split>.json` and `images/<split>/`, in the oriented image's pixels. Inputs
 * without a split are in `default`.
 */
export const coco: ExporterComponent<CocoOptions> = {
  name: 'coco',
  summary:
    'Images with COCO instances: boxes, polygons, run-length masks, key points; one file for each split',
  example: 'sluice export default --format coco --out coco',
  options,
  writes: 'folder',
  kinds: ['image'],
  losses: LOSSES,
  estimate: ({ bytes, metrics, concepts }, { media }) =>
    (media === 'files' ? bytes : 0) +
    metrics.inputsCount * IMAGE_BYTES +
    metrics.regionsCount * REGION_BYTES +
    Object.keys(concepts).length * CLASS_BYTES,
  async *write(source, target, exportOptions, ctx) {
    const { unlabelled } = exportOptions;
    const extra = unlabelled === undefined ? [] : [{ id: unlabelled, name: unlabelled }];
    const path = classMapPath(exportOptions, target.path);
    const classes = await ClassMap.open(path, source, exportOptions, extra);
    return yield* withNormalised(source, target, exportOptions, ctx, (from) =>
      new CocoExport(from, target, exportOptions, classes, ctx).run(),
    );
  },
};
