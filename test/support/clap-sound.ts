const RATE = 48_000;

/** A chirp that swells three times a second over a little noise, at 48 kHz: as test/embed/audio/golden/make_clap_mel.py makes it. */
export function clapSound(seconds: number): Float32Array {
  let state = 1n;
  return Float32Array.from({ length: RATE * seconds }, (_, i) => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    const noise = Number((state >> 15n) % 65536n) / 32_768 - 1;
    const t = i / RATE;
    const chirp = Math.sin(2 * Math.PI * (100 * t + 400 * t * t));
    const value = (0.4 * chirp * (1 + Math.sin(2 * Math.PI * 3 * t))) / 2 + 0.01 * noise;
    return Math.floor(32_767 * value + 0.5) / 32_768;
  });
}
