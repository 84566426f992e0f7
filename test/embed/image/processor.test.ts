import { describe, expect, it } from 'vitest';
import { readProcessor } from '../../../src/embed/image/processor.ts';

const white = { background: '#ffffff' };
const framingOf = (fields: Record<string, unknown>) => readProcessor(fields, 'a model').framing;

describe('preprocessor_config.json', () => {
  it.each<[string, Record<string, unknown>, object]>([
    [
      'CLIP as it was written first',
      {
        feature_extractor_type: 'CLIPFeatureExtractor',
        size: 224,
        crop_size: 224,
        do_center_crop: true,
        resample: 3,
      },
      { resize: { edge: 224 }, crop: { width: 224, height: 224 }, kernel: 'cubic' },
    ],
    [
      'CLIP as it is written now',
      {
        image_processor_type: 'CLIPImageProcessorFast',
        size: { shortest_edge: 336 },
        crop_size: { height: 336, width: 336 },
        do_pad: null,
      },
      { resize: { edge: 336 }, crop: { width: 336, height: 336 }, kernel: 'cubic' },
    ],
    [
      'SigLIP 2 of a fixed size',
      {
        image_processor_type: 'SiglipImageProcessor',
        size: { height: 256, width: 256 },
        resample: 2,
        processor_class: 'SiglipProcessor',
      },
      { resize: { width: 256, height: 256 }, kernel: 'linear' },
    ],
    [
      'DINOv2',
      {
        image_processor_type: 'BitImageProcessor',
        size: { shortest_edge: 256 },
        crop_size: { height: 224, width: 224 },
        resample: 3,
      },
      { resize: { edge: 256 }, crop: { width: 224, height: 224 }, kernel: 'cubic' },
    ],
    [
      'DINOv3',
      { image_processor_type: 'DINOv3ViTImageProcessorFast' },
      { resize: { width: 224, height: 224 }, kernel: 'linear' },
    ],
    [
      'ViT, silent about everything',
      { image_processor_type: 'ViTImageProcessor' },
      { resize: { width: 224, height: 224 }, kernel: 'linear' },
    ],
    [
      'ViT with a number',
      { image_processor_type: 'ViTImageProcessor', size: 384 },
      { resize: { width: 384, height: 384 }, kernel: 'linear' },
    ],
    [
      'ConvNeXt of a small size',
      {
        image_processor_type: 'ConvNextImageProcessor',
        size: { shortest_edge: 224 },
        crop_pct: 0.875,
        resample: 3,
      },
      { resize: { edge: 256 }, crop: { width: 224, height: 224 }, kernel: 'cubic' },
    ],
    [
      'ConvNeXt of a large size',
      { image_processor_type: 'ConvNextImageProcessor' },
      { resize: { width: 384, height: 384 }, kernel: 'linear' },
    ],
    [
      'Lanczos',
      { image_processor_type: 'ViTImageProcessor', resample: 1 },
      { resize: { width: 224, height: 224 }, kernel: 'lanczos3' },
    ],
  ])('of %s says how a picture is framed', (_, fields, expected) => {
    expect(framingOf(fields)).toEqual({ ...expected, ...white });
  });

  it('says how numbers are scaled, where it differs from what its kind does', () => {
    const type = { image_processor_type: 'ViTImageProcessor' };
    expect(readProcessor(type, 'm')).toMatchObject({
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      rescale: 1 / 255,
    });
    const own = { ...type, image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3], rescale_factor: 0.00784313725 };
    expect(readProcessor(own, 'm')).toMatchObject({
      mean: [0.1, 0.2, 0.3],
      std: [1, 2, 3],
      rescale: 0.00784313725,
    });
    const none = { ...own, do_normalize: false, do_rescale: false };
    expect(readProcessor(none, 'm')).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1], rescale: 1 });
    expect(readProcessor({ image_processor_type: 'CLIPImageProcessor' }, 'm').mean[0]).toBe(0.48145466);
  });

  it.each<[string, Record<string, unknown>]>([
    ['image_processor_type "Siglip2ImageProcessor"', { image_processor_type: 'Siglip2ImageProcessor' }],
    ['do_pad true', { do_pad: true }],
    ['do_flip_channel_order true', { do_flip_channel_order: true }],
    ['resample 4', { resample: 4 }],
    ['resample 0', { resample: 0 }],
    ['size {"longest_edge":224}', { size: { longest_edge: 224 } }],
    ['do_resize false', { do_resize: false }],
    ['do_center_crop false', { size: { shortest_edge: 224 } }],
    ['larger than its size', { do_center_crop: true, crop_size: 256 }],
    ['image_mean [0.5]', { image_mean: [0.5] }],
    ['rescale_offset true', { rescale_offset: true }],
  ])('with %s is refused by name', (named, fields) => {
    const all = { image_processor_type: 'ViTImageProcessor', ...fields };
    expect(() => readProcessor(all, 'some/model')).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining(named) }),
    );
    expect(() => readProcessor(all, 'some/model')).toThrow('some/model');
  });
});
