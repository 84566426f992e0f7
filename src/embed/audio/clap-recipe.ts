import { z } from 'zod';
import { FatalError } from '../../model/errors.ts';
import type { ModelFolder } from '../models/folder.ts';
import type { MelRecipe } from './mel.ts';

/** How the sounds of a CLAP become what its graph takes. */
export interface ClapRecipe {
  mel: MelRecipe;
  /** Of every sound; longer ones are cut to their middle. */
  samples: number;
  /** What follows a shorter one: itself as often as it fits whole and then nothing, itself to the end, or nothing. */
  padding: 'repeatpad' | 'repeat' | 'pad';
}

const EXTRACTOR = 'ClapFeatureExtractor';

/** As transformers' `ClapFeatureExtractor` has them, defaults included. */
const fieldsSchema = z.object({
  sampling_rate: z.int().positive().default(48_000),
  fft_window_size: z.int().positive().multipleOf(2).default(1024),
  hop_length: z.int().positive().default(480),
  feature_size: z.int().positive().default(64),
  max_length_s: z.number().positive().default(10),
  frequency_min: z.number().min(0).default(0),
  frequency_max: z.number().positive().default(14_000),
  padding: z.enum(['repeatpad', 'repeat', 'pad']).default('repeatpad'),
  truncation: z.string().default('fusion'),
  top_db: z.number().nullish(),
});

/** Undefined where the folder is no CLAP. Throws FatalError MODEL_INVALID, MODEL_UNSUPPORTED. */
export async function clapRecipe(folder: ModelFolder): Promise<ClapRecipe | undefined> {
  const json = await folder.json<{ feature_extractor_type?: unknown }>('preprocessor_config.json');
  if (json?.feature_extractor_type !== EXTRACTOR) return undefined;
  const parsed = fieldsSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FatalError(
      'MODEL_INVALID',
      `preprocessor_config.json of the model ${folder.name} cannot be used: ${issue!.path.join('.')}: ${issue!.message}`,
    );
  }
  const fields = parsed.data;
  const refused = (what: string) =>
    new FatalError(
      'MODEL_UNSUPPORTED',
      `the model ${folder.name} is a CLAP with ${what}, which Sluice has no recipe for`,
    );
  // Four views of a long sound, chosen at random.
  if (fields.truncation === 'fusion') throw refused('fusion (truncation: "fusion")');
  if (fields.truncation !== 'rand_trunc') throw refused(`truncation: "${fields.truncation}"`);
  if (fields.top_db !== undefined && fields.top_db !== null) throw refused(`top_db: ${fields.top_db}`);
  return {
    mel: {
      rate: fields.sampling_rate,
      window: fields.fft_window_size,
      hop: fields.hop_length,
      bands: fields.feature_size,
      lowest: fields.frequency_min,
      highest: fields.frequency_max,
    },
    samples: Math.round(fields.max_length_s * fields.sampling_rate),
    padding: fields.padding,
  };
}
