import { loadSharp } from '../../media/native.ts';
import type { EmbedItem, Modality } from '../../model/embedding.ts';

/** Inputs of each modality; the same on every machine and in every release. */
const SAMPLES = 8;
const RATE = 16_000;
const WORDS =
  'a cat sleeps on the warm stove while rain falls over the old town and somebody plays the piano next door'.split(
    ' ',
  );
const [WIDTH, HEIGHT] = [640, 480];

/** Different inputs of different lengths that are made here, so that a model can be tried without any data. */
export function sampleItems(modality: Modality): Promise<EmbedItem[]> {
  return Promise.all(Array.from({ length: SAMPLES }, (_, n) => sampleOf(modality, n)));
}

async function sampleOf(modality: Modality, n: number): Promise<EmbedItem> {
  if (modality === 'text') return { text: WORDS.slice(n, WORDS.length - n).join(' ') };
  return modality === 'audio' ? { audio: sound(n) } : { image: await picture(n) };
}

/** Waves of colour as a JPEG. */
async function picture(n: number): Promise<Buffer> {
  const sharp = await loadSharp();
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [Math.floor(at / 3) % WIDTH, Math.floor(at / 3 / WIDTH)];
    pixels[at] = 128 + 127 * Math.sin((x * (n + 1) + y * (8 - n)) / 150 + (at % 3) * (n + 1));
  }
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** One to eight seconds of a rising tone as a WAV of 16-bit samples. */
function sound(n: number): Buffer {
  const samples = Int16Array.from({ length: RATE * (n + 1) }, (_, i) => {
    const t = i / RATE;
    return 8000 * Math.sin(2 * Math.PI * (110 * 2 ** (n / 2) * t + 20 * t * t));
  });
  const data = Buffer.from(samples.buffer);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(data.length + 36, 4);
  header.write('WAVEfmt ', 8);
  // Size of the description, PCM, channels.
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}
