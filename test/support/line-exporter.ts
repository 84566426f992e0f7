import { copyFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failedOutcome, inputOutcome } from '../../src/exporters/input-outcome.ts';
import type { ExporterComponent, ExportResult } from '../../src/model/export.ts';
import type { Input } from '../../src/model/input.ts';
import type { Outcome } from '../../src/model/outcome.ts';

const options = z.strictObject({
  every: z.int().min(1).default(1).describe('Inputs between checkpoints'),
  shout: z.boolean().default(false).describe('Write ids in capitals'),
});
type Options = z.output<typeof options>;

interface Checkpoint {
  after: string;
  bytes: number;
  files: ExportResult['files'];
  written: number;
  spans: number;
}

interface Behaviour {
  writes: 'file' | 'folder';
  /** Called before each input is written. */
  before?(input: Input): void | Promise<void>;
  /** Tells of another result than what was written. */
  distort?(result: ExportResult): ExportResult;
}

/** A small but whole export format for tests of what is around it: a line for each image, and beside them their media. */
export function lineExporter({ writes, before, distort = (r) => r }: Behaviour): ExporterComponent<Options> {
  return {
    name: 'lines',
    summary: 'A line for each image',
    example: 'sluice export default --format lines --out lines.jsonl',
    options,
    writes,
    extension: '.jsonl',
    kinds: ['image'],
    losses: [{ id: 'segments', what: 'time segments', instead: 'left out' }],
    estimate: (version) => version.bytes,
    async *write(source, target, { every, shout }): AsyncGenerator<Outcome, ExportResult, void> {
      const earlier = target.checkpoint as Checkpoint | undefined;
      const state = structuredClone(earlier) ?? { after: '', bytes: 0, files: [], written: 0, spans: 0 };
      const lines = writes === 'folder' ? join(target.path, 'lines.jsonl') : target.path;
      const file = await open(lines, earlier === undefined ? 'w' : 'r+');
      try {
        await file.truncate(state.bytes);
        let since = 0;
        for await (const input of source.inputs(earlier === undefined ? {} : { after: earlier.after })) {
          await before?.(input);
          yield await one(input);
          state.after = input.id;
          if (++since % every > 0) continue;
          await file.sync();
          await target.save(structuredClone(state));
        }
      } finally {
        await file.close();
      }
      const name = writes === 'folder' ? 'lines.jsonl' : target.path.replace(/^.*[/\\]|\.part$/g, '');
      return distort({
        files: [...state.files, { path: name, bytes: state.bytes }],
        losses: state.spans === 0 ? {} : { segments: state.spans },
        annotations: { written: state.written, leftOut: state.spans },
      });

      async function one(input: Input): Promise<Outcome> {
        const { id, kind, annotations } = input;
        if (kind !== 'image') return inputOutcome(input, 'EXPORT_UNSUPPORTED');
        try {
          const media = await source.media(input);
          if (writes === 'folder' && 'path' in media) {
            const path = `${id}.bin`;
            await copyFile(media.path, join(target.path, path));
            state.files.push({ path, bytes: media.bytes });
          }
        } catch (error) {
          return failedOutcome(input, error);
        }
        const line = Buffer.from(`${JSON.stringify({ id: shout ? id.toUpperCase() : id })}\n`);
        await file.write(line, 0, line.length, state.bytes);
        state.bytes += line.length;
        const left = annotations.filter(({ segment }) => segment !== undefined).length;
        state.spans += left;
        state.written += annotations.length - left;
        return inputOutcome(input, 'EXPORTED');
      }
    },
  };
}
