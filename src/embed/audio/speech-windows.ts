/** Of `melspectrogram.onnx`, in samples at 16 kHz: a frame is made of `frame` of them, the next one begins `hop` later. */
const MEL = { frame: 512, hop: 160, bands: 32 } as const;
/** Of `embedding_model.onnx`, in frames: 0.76 s, and the 80 ms that its authors move it by. */
const WINDOW = { frames: 76, step: 8 } as const;

/** Windows whose spectra are computed at once: those of a minute. */
const BLOCK_WINDOWS = 750;
const STEP_SAMPLES = WINDOW.step * MEL.hop;
/** That a window needs. */
const WINDOW_SAMPLES = samplesFor(WINDOW.frames);
const BLOCK_SAMPLES = samplesFor((BLOCK_WINDOWS - 1) * WINDOW.step + WINDOW.frames);
/** Of one sound. What is longer than 21 s has fewer windows a second, spread over all of it. */
const MAX_WINDOWS = 256;
const INT16 = 32_768;

/** All that decides which windows a sound has; the first number changes with this code. */
export const SPEECH_RECIPE = {
  revision: 1,
  rate: 16_000,
  mel: MEL,
  window: WINDOW,
  blockWindows: BLOCK_WINDOWS,
  maxWindows: MAX_WINDOWS,
  padding: 'repeat',
} as const;

/** Numbers of a window, [76 frames, 32 bands]. */
export const WINDOW_VALUES = WINDOW.frames * MEL.bands;

/** The spectrum of samples in the range of int16, [frames, 32] in decibels. */
export type Mel = (samples: Float32Array) => Promise<Float32Array>;

/**
 * The windows that a sound is embedded by, from samples with full scale at ±1. In bounded memory: of long sounds, every
 * second window is dropped as often as needed. A sound that is shorter than a window is repeated until it fills one.
 * Empty for no samples at all.
 */
export async function speechWindows(chunks: AsyncIterable<Float32Array>, mel: Mel): Promise<Float32Array[]> {
  const kept = new Kept();
  const block = new Float32Array(BLOCK_SAMPLES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      if (filled === BLOCK_SAMPLES) {
        kept.take(await spectrum(block, mel));
        block.copyWithin(0, BLOCK_WINDOWS * STEP_SAMPLES);
        filled -= BLOCK_WINDOWS * STEP_SAMPLES;
      }
      const part = chunk.subarray(from, from + BLOCK_SAMPLES - filled);
      for (let i = 0; i < part.length; i++) block[filled + i] = part[i]! * INT16;
      filled += part.length;
      from += part.length;
    }
  }
  if (filled === 0) return [];
  if (kept.empty && filled < WINDOW_SAMPLES) filled = repeated(block, filled);
  if (filled >= WINDOW_SAMPLES) kept.take(await spectrum(block.slice(0, filled), mel));
  return kept.windows;
}

/** Scaled as the embedding model was trained with it. */
async function spectrum(samples: Float32Array, mel: Mel): Promise<Float32Array> {
  const values = await mel(samples);
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / 10 + 2;
  return values;
}

function repeated(block: Float32Array, length: number): number {
  for (let i = length; i < WINDOW_SAMPLES; i++) block[i] = block[i - length]!;
  return WINDOW_SAMPLES;
}

/** Windows at equal distances. */
class Kept {
  windows: Float32Array[] = [];
  /** How many windows there were. */
  #seen = 0;
  /** Of which every so many are kept. */
  #every = 1;

  get empty(): boolean {
    return this.#seen === 0;
  }

  take(values: Float32Array): void {
    const frames = values.length / MEL.bands;
    for (let frame = 0; frame + WINDOW.frames <= frames; frame += WINDOW.step) {
      if (this.#seen++ % this.#every !== 0) continue;
      this.windows.push(this.#own(values.subarray(frame * MEL.bands, frame * MEL.bands + WINDOW_VALUES)));
      if (this.windows.length > MAX_WINDOWS) this.#thin();
    }
  }

  #thin(): void {
    this.#every *= 2;
    this.windows = this.windows.filter((_, index) => index % 2 === 0).map((window) => this.#own(window));
  }

  /** Windows that overlap share their memory; one that does not must not keep the frames between. */
  #own(window: Float32Array): Float32Array {
    const apart = this.#every * WINDOW.step >= WINDOW.frames;
    return apart && window.length < window.buffer.byteLength / 4 ? window.slice() : window;
  }
}

function samplesFor(frames: number): number {
  return (frames - 1) * MEL.hop + MEL.frame;
}
