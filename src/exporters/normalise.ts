import { mkdir, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Context } from '../model/contracts.ts';
import type { ExportResult, ExportSource, ExportTarget } from '../model/export.ts';
import type { Outcome } from '../model/outcome.ts';
import { NORMAL_FORMATS, type NormalFormat } from './normal-formats.ts';

/** The option of formats that write media as files. */
export const normaliseFields = {
  normalise: z
    .array(z.enum(NORMAL_FORMATS))
    .optional()
    .describe(
      'Convert images to jpeg or png, sounds to wav, videos to mp4 where they are in another format; repeatable. All else stays as it is, byte for byte',
    ),
};

type Exporting = AsyncGenerator<Outcome, ExportResult, void>;

/** An export whose media are converted on their way. What is under way lies beside the target, and is gone when it ends. */
export async function* withNormalised(
  source: ExportSource,
  target: ExportTarget,
  { normalise = [] }: { normalise?: readonly NormalFormat[] | undefined },
  ctx: Context,
  write: (source: ExportSource) => Exporting,
): Exporting {
  if (normalise.length === 0) return yield* write(source);
  const folder = `${target.path}.converted`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    const { NormalisedSource } = await import('./normalised-source.ts');
    return yield* write(new NormalisedSource(source, normalise, folder, ctx));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
