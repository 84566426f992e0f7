import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { MediaTools } from '../../../media/tools.ts';
import { ffmpeg, withAvSource } from '../../report-html/av-picture.ts';
import { dataUri } from '../../report-html/pictures.ts';

const SECONDS = 10;
/** Ten seconds are 60 kB. */
const BIT_RATE = '48k';

/** The beginning of a sound as a data URI that browsers play; undefined where ffmpeg cannot make it. */
export function audioPreview(
  bytes: Readable,
  { format, tools, signal }: { format: string; tools: MediaTools; signal: AbortSignal },
): Promise<string | undefined> {
  return withAvSource(bytes, format, signal, async (input, folder) => {
    const file = join(folder, 'preview.mp3');
    const encoding = ['-vn', '-ac', '1', '-c:a', 'libmp3lame', '-b:a', BIT_RATE, '-map_metadata', '-1'];
    const made = await ffmpeg(['-t', String(SECONDS), ...input, ...encoding, file], { tools, signal });
    return made ? dataUri('audio/mpeg', await readFile(file)) : undefined;
  });
}
