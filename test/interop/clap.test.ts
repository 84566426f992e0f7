import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findTowers } from '../../src/embed/index.ts';
import { clapSound } from '../support/clap-sound.ts';
import { testContext } from '../support/context.ts';
import { cosine, withEmbedder } from '../support/embedding.ts';
import { describePython } from '../support/python.ts';
import { runPython } from '../support/python-environment.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wavOf } from '../support/wav.ts';

const SCRIPT = readFileSync(new URL('./make-clap.py', import.meta.url), 'utf8');
/** As in laion/clap-htsat-unfused. */
const PREPROCESSOR = {
  chunk_length_s: 10,
  feature_extractor_type: 'ClapFeatureExtractor',
  feature_size: 64,
  fft_window_size: 1024,
  frequency_max: 14_000,
  frequency_min: 50,
  hop_length: 480,
  max_length_s: 10,
  n_fft: 1024,
  nb_frequency_bins: 513,
  nb_max_frames: 1000,
  nb_max_samples: 480_000,
  padding: 'repeatpad',
  padding_side: 'right',
  padding_value: 0.0,
  processor_class: 'ClapProcessor',
  return_attention_mask: false,
  sampling_rate: 48_000,
  top_db: null,
  truncation: 'rand_trunc',
};

describePython('models', 'a CLAP, next to onnxruntime in Python', () => {
  it('gives the vectors of Python’s onnxruntime with a spectrum by numpy', async () => {
    const folder = join(await tempFolder(), 'clap');
    const seconds = [3, 10, 0.5];
    const sounds = seconds.map((length) =>
      Array.from(clapSound(length), (value) => Math.round(value * 32_768)),
    );
    const expected = await runPython<number[][]>('models', SCRIPT, {
      folder,
      sounds: sounds.map((samples) => samples.map((value) => value / 32_768)),
    });
    await writeFile(join(folder, 'config.json'), '{"model_type":"clap"}');
    await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(PREPROCESSOR));
    const cacheDir = await tempFolder();
    const [tower] = await findTowers({ model: folder }, { cacheDir }, testContext());
    expect(tower).toMatchObject({ modality: 'audio', dimensions: 512 });
    await withEmbedder(tower!, { cacheDir, cores: 1 }, async (embedder) => {
      const items = sounds.map((samples) => ({ audio: wavOf(samples, 48_000) }));
      const vectors = await embedder.embed(items, 'document', new AbortController().signal);
      for (const [i, vector] of (vectors as Float32Array[]).entries()) {
        expect(cosine(vector, expected[i]!)).toBeGreaterThan(0.999999);
        const apart = Array.from(vector, (value, at) => Math.abs(value - expected[i]![at]!));
        expect(Math.max(...apart)).toBeLessThan(1e-4);
      }
    });
  });
});
