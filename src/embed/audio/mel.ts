/** How sounds become the spectra that a model was trained with. */
export interface MelRecipe {
  /** Samples a second. */
  rate: number;
  /** Samples of a Fourier transform. */
  window: number;
  /** Samples from the beginning of one to that of the next. */
  hop: number;
  bands: number;
  /** Of the lowest band's lower edge and the highest band's upper edge, in hertz. */
  lowest: number;
  highest: number;
}

/**
 * Slaney's mel scale, in which 1000 Hz are 15 mel: linear below, logarithmic above (as librosa and transformers have it).
 */
const LINEAR = 200 / 3;
const KNEE_HERTZ = 1000;
const KNEE_MEL = KNEE_HERTZ / LINEAR;
const LOG_STEP = Math.log(6.4) / 27;

const toMel = (hertz: number): number =>
  hertz < KNEE_HERTZ ? hertz / LINEAR : KNEE_MEL + Math.log(hertz / KNEE_HERTZ) / LOG_STEP;
const toHertz = (mel: number): number =>
  mel < KNEE_MEL ? mel * LINEAR : KNEE_HERTZ * Math.exp(LOG_STEP * (mel - KNEE_MEL));

/** Bins of a spectrum: from 0 Hz to half the rate. */
export const binsOf = ({ window }: MelRecipe): number => window / 2 + 1;

/** Weights [bands, bins] of triangles of equal area, Slaney's normalisation. */
export function melFilters(recipe: MelRecipe): Float32Array {
  const { rate, bands, lowest, highest } = recipe;
  const bins = binsOf(recipe);
  const [from, to] = [toMel(lowest), toMel(highest)];
  const edges = Array.from({ length: bands + 2 }, (_, i) => toHertz(from + ((to - from) * i) / (bands + 1)));
  const weights = new Float32Array(bands * bins);
  for (let band = 0; band < bands; band++) {
    const [low, centre, high] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    for (let bin = 0; bin < bins; bin++) {
      const hertz = ((rate / 2) * bin) / (bins - 1);
      const height = Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
      weights[band * bins + bin] = Math.max(0, height) * (2 / (high - low));
    }
  }
  return weights;
}

/** A Fourier transform behind a periodic Hann window, [2 × bins, window]: first all real parts, then all imaginary ones. */
export function fourier(recipe: MelRecipe): Float32Array {
  const { window } = recipe;
  const bins = binsOf(recipe);
  const matrix = new Float32Array(2 * bins * window);
  for (let bin = 0; bin < bins; bin++) {
    for (let at = 0; at < window; at++) {
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / window);
      // Reduced first: sines of large angles lose digits.
      const angle = (2 * Math.PI * ((bin * at) % window)) / window;
      matrix[bin * window + at] = hann * Math.cos(angle);
      matrix[(bins + bin) * window + at] = -hann * Math.sin(angle);
    }
  }
  return matrix;
}

/** Frames of so many samples, the first one's middle at the first sample. */
export const framesOf = (samples: number, { hop }: MelRecipe): number => 1 + Math.floor(samples / hop);

/** Fills the first and last half window of `padded` with what lies beside them, mirrored: frames begin and end there. */
export function mirrorEnds(padded: Float32Array, { window }: MelRecipe): void {
  const half = window / 2;
  const end = padded.length - 1 - half;
  for (let i = 1; i <= half; i++) {
    padded[half - i] = padded[half + i]!;
    padded[end + i] = padded[end - i]!;
  }
}
