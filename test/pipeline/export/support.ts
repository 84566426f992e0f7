import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type IngestRequest, ingest } from '../../../src/pipeline/ingest.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** A store whose dataset `pets` has images with boxes and, of the other kind, texts. */
export async function storeWith({ images = 3, texts = 0 } = {}): Promise<{ root: string; store: string }> {
  const root = await tempFolder();
  const source = join(root, 'source');
  await mkdir(source);
  const lines: object[] = [];
  for (let i = 0; i < images; i++) {
    const file = `${String(i).padStart(3, '0')}.png`;
    const background = { r: (i * 53) % 256, g: (i * 97) % 256, b: 90 };
    const image = sharp({ create: { width: 24 + i, height: 16, channels: 3, background } });
    await writeFile(join(source, file), await image.png().toBuffer());
    lines.push({
      id: `image-${String(i).padStart(3, '0')}`,
      file,
      split: i % 2 === 0 ? 'train' : 'test',
      concepts: [{ id: 'cat' }, { id: 'dog', value: 0 }],
      annotations: [
        { concepts: [{ id: 'cat' }], region: { box: { top: 0, left: 0, bottom: 0.5, right: 0.5 } } },
      ],
    });
  }
  for (let i = 0; i < texts; i++) lines.push({ id: `text-${i}`, text: `text ${i}` });
  await writeFile(join(source, 'in.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const store = join(root, 'store');
  await ingestInto({ source: join(source, 'in.jsonl'), store });
  return { root, store };
}

async function ingestInto(request: Extract<IngestRequest, { source: string }>): Promise<void> {
  const { exitCode, error, byCode } = await ingest({ ...request, options: { dataset: 'pets' } });
  if (exitCode !== 0) throw new Error(JSON.stringify({ error, byCode }));
}

/** Every file of a folder, or of a file and those beside it that its name begins, with its content. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = files
    .sort()
    .map(async (path) => [path.slice(folder.length + 1), await readFile(path, 'base64')]);
  return Object.fromEntries(await Promise.all(read)) as Record<string, string>;
}
