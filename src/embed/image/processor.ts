import type { Framing } from '../../media/pixels.ts';
import { FatalError } from '../../model/errors.ts';
import type { ModelFolder } from '../models/folder.ts';

/** What preprocessor_config.json says, as far as pixels depend on it. */
export interface Processor {
  framing: Framing;
  /** Of each channel, for values that were multiplied by `rescale`. */
  mean: readonly number[];
  std: readonly number[];
  /** What a byte is multiplied by. */
  rescale: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** An image processor of the transformers library by what it does where its file is silent. */
interface Kind {
  resample: number;
  size: unknown;
  /** What a size of one number means. */
  number: 'edge' | 'square';
  crop?: number;
  mean: readonly number[];
  std: readonly number[];
  /** Crops a part that depends on the size. */
  cropPct?: true;
}

const OPENAI = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] };
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const SQUARE = { height: 224, width: 224 };
const CLIP: Kind = { resample: 3, size: { shortest_edge: 224 }, number: 'edge', crop: 224, ...OPENAI };
const VIT: Kind = { resample: 2, size: SQUARE, number: 'square', ...HALF };
const CONVNEXT: Kind = {
  ...{ resample: 2, size: { shortest_edge: 384 }, number: 'edge', cropPct: true },
  ...IMAGENET,
};

/** By `image_processor_type` without what follows the name of the model. */
const KINDS: Readonly<Record<string, Kind>> = {
  CLIP,
  ChineseCLIP: CLIP,
  Bit: CLIP,
  Siglip: { resample: 3, size: SQUARE, number: 'square', ...HALF },
  ViT: VIT,
  DINOv3ViT: { ...VIT, ...IMAGENET },
  ConvNext: CONVNEXT,
};

/** Fields that are read below. */
const READ = new Set(
  'do_resize size resample do_center_crop crop_size crop_pct do_rescale rescale_factor do_normalize image_mean image_std'.split(
    ' ',
  ),
);
/** Fields that change nothing, as all images are made RGB and all are of one size. */
const INERT =
  /^(?:_.*|.*_type|processor_class|do_convert_rgb|default_to_square|(?:input_)?data_format|return_tensors|device|disable_grouping|num_channels|feature_extractor|auto_map|crop_pct)$/;

/** Undefined where the folder has none, or one of sounds. Throws FatalError MODEL_INVALID. */
export async function processorFields(folder: ModelFolder): Promise<Fields | undefined> {
  const both = await folder.json<{ image_processor?: Fields }>('processor_config.json');
  const fields = (await folder.json<Fields>('preprocessor_config.json')) ?? both?.image_processor;
  return fields !== undefined && (typeOf(fields).includes('Image') || 'image_mean' in fields)
    ? fields
    : undefined;
}

const typeOf = (fields: Fields): string =>
  String(fields['image_processor_type'] ?? fields['feature_extractor_type'] ?? '');

/** Throws FatalError MODEL_UNSUPPORTED, naming the field. `name`: of the model. */
export function readProcessor(fields: Fields, name: string): Processor {
  const type = typeOf(fields);
  const kind = KINDS[type.replace(/(?:ImageProcessor(?:Fast)?|FeatureExtractor)$/, '')];
  const fail = (what: string): never => {
    throw new FatalError('MODEL_UNSUPPORTED', `the model ${name} has ${what} in preprocessor_config.json`);
  };
  if (kind === undefined) {
    const known = Object.keys(KINDS).map((key) => `${key}ImageProcessor`);
    return fail(`image_processor_type ${JSON.stringify(type)} (known are ${known.join(', ')})`);
  }
  for (const [key, value] of Object.entries(fields)) {
    const says = value !== null && value !== false;
    if (says && !READ.has(key) && !INERT.test(key))
      fail(`${key} ${JSON.stringify(value)}, which is not known`);
  }
  const field = (key: string, usual: unknown) => fields[key] ?? usual;
  const rescale = fields['do_rescale'] === false ? 1 : numberOf(field('rescale_factor', 1 / 255));
  const normalises = fields['do_normalize'] !== false;
  const channels = (key: 'mean' | 'std', neutral: number) => {
    const values = normalises ? field(`image_${key}`, kind[key]) : [neutral, neutral, neutral];
    const valid = Array.isArray(values) && values.length === 3 && values.every(Number.isFinite);
    return valid
      ? (values as number[])
      : fail(`image_${key} ${JSON.stringify(values)}, which is not three numbers`);
  };
  return {
    framing: framingOf(fields, kind, fail),
    mean: channels('mean', 0),
    std: channels('std', 1),
    rescale: rescale ?? fail(`rescale_factor ${JSON.stringify(fields['rescale_factor'])}`),
  };
}

/** Pillow's numbers of filters. */
const KERNELS: readonly (Framing['kernel'] | undefined)[] = [undefined, 'lanczos3', 'linear', 'cubic'];

function framingOf(fields: Fields, kind: Kind, fail: (what: string) => never): Framing {
  if (fields['do_resize'] === false) fail('do_resize false: its images have different sizes');
  const resample = fields['resample'] ?? kind.resample;
  const kernel =
    KERNELS[Number(resample)] ?? fail(`resample ${JSON.stringify(resample)}, which is not known`);
  const size = fields['size'] ?? kind.size;
  const resize = sizeOf(size, kind.number) ?? fail(`size ${JSON.stringify(size)}, which is not known`);
  const rest = { kernel, background: '#ffffff' };
  if (kind.cropPct) return { ...cropped(resize, numberOf(fields['crop_pct']) ?? 224 / 256), ...rest };
  const crops = fields['do_center_crop'] ?? kind.crop !== undefined;
  if (crops !== true)
    return 'edge' in resize
      ? fail('do_center_crop false: its images have different sizes')
      : { resize, ...rest };
  const cropSize = fields['crop_size'] ?? kind.crop;
  const crop = sizeOf(cropSize, 'square');
  if (crop === undefined || 'edge' in crop)
    return fail(`crop_size ${JSON.stringify(cropSize)}, which is not known`);
  const [width, height] = 'edge' in resize ? [resize.edge, resize.edge] : [resize.width, resize.height];
  if (crop.width > width || crop.height > height)
    fail(`crop_size ${JSON.stringify(cropSize)}, which is larger than its size`);
  return { resize, crop, ...rest };
}

/** ConvNeXt's: small sizes are cut out of a larger picture, large ones are not. */
function cropped(resize: Framing['resize'], part: number): Pick<Framing, 'resize' | 'crop'> {
  const edge = 'edge' in resize ? resize.edge : resize.height;
  const square = { width: edge, height: edge };
  return edge < 384 ? { resize: { edge: Math.trunc(edge / part) }, crop: square } : { resize: square };
}

function sizeOf(size: unknown, number: Kind['number']): Framing['resize'] | undefined {
  if (isPixels(size)) return number === 'edge' ? { edge: size } : { width: size, height: size };
  if (typeof size !== 'object' || size === null) return undefined;
  const { shortest_edge: edge, height, width, ...others } = size as Fields;
  if (Object.values(others).some((value) => value !== null)) return undefined;
  if (isPixels(edge)) return { edge };
  return isPixels(height) && isPixels(width) ? { width, height } : undefined;
}

const isPixels = (value: unknown): value is number => Number.isInteger(value) && Number(value) > 0;
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
