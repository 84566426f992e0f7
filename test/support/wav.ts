/** A mono 16-bit PCM WAV of a 440 Hz tone; `claim` writes another data size into the header than there is. */
export function wav(milliseconds: number, options: { sampleRate?: number; claim?: number } = {}): Buffer {
  const sampleRate = options.sampleRate ?? 8000;
  const samples = Math.round((sampleRate * milliseconds) / 1000);
  const tone = (_: unknown, i: number) => Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / sampleRate));
  return wavOf(Array.from({ length: samples }, tone), sampleRate, options.claim);
}

/** A mono WAV of 16-bit samples. */
export function wavOf(samples: readonly number[], sampleRate: number, claim?: number): Buffer {
  const data = Buffer.from(Int16Array.from(samples).buffer);
  const claimed = claim ?? data.length;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE((claimed + 36) >>> 0, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(claimed, 40);
  return Buffer.concat([header, data]);
}
