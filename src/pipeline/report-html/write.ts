import { writeFileAtomic } from '../../io/atomic.ts';
import type { MediaTools } from '../../media/tools.ts';
import { codeInfo } from '../../model/codes.ts';
import type { Context } from '../../model/contracts.ts';
import { asError } from '../../model/errors.ts';
import type { LocalReader } from '../../stores/index.ts';
import { nextSteps } from '../next-steps.ts';
import type { RunReport } from '../report.ts';
import type { RunFolder } from '../run-folder.ts';
import { ClassColours } from './colours.ts';
import { type Digest, digestLedger } from './digest.ts';
import { countLabels } from './label-counts.ts';
import { renderPage } from './page.ts';
import { PictureBudget } from './picture-budget.ts';
import { sourcePictures } from './source-pictures.ts';
import { makeTiles } from './tiles.ts';

export interface ReportSources {
  /** Of the store the run wrote to; without it there are neither samples nor label counts. */
  reader?: LocalReader;
  /** Draws videos and sounds; without it they are icons. */
  tools?: () => Promise<MediaTools>;
}

/**
 * Writes `report.html` into the folder of a run that has ended, and gives its path.
 *
 * Never fails the run: what goes wrong, an abort too, is logged as a warning and gives undefined.
 */
export async function writeHtmlReport(
  folder: RunFolder,
  report: RunReport,
  sources: ReportSources,
  ctx: Context,
): Promise<string | undefined> {
  const path = folder.page;
  try {
    await writeFileAtomic(path, await pageOf(folder, report, sources, ctx));
    await folder.publishPage();
    return path;
  } catch (thrown) {
    ctx.logger.warn(
      { error: asError(thrown) },
      `the report page was not written: ${asError(thrown).message}`,
    );
    return undefined;
  }
}

async function pageOf(
  folder: RunFolder,
  report: RunReport,
  { reader, tools }: ReportSources,
  ctx: Context,
): Promise<string> {
  const { signal } = ctx;
  const manifest = await folder.manifest();
  const { store } = folder;
  const digest = await digestLedger(folder.ledger, report.startedAt, signal);
  const { tiles, colours } =
    reader === undefined
      ? { tiles: [], colours: new ClassColours([]) }
      : await makeTiles(digest.tiles, { reader, tools }, ctx);
  const labelCounts = reader && (await countLabels(reader, report.runId, signal));
  const pictures = await sourcePictures(unstored(digest), report.sources, signal);
  signal.throwIfAborted();
  const budget = new PictureBudget();
  return renderPage({
    report,
    manifest,
    store,
    // The page need not lead to itself.
    steps: nextSteps(report, store).filter(({ how }) => how !== folder.shown.page),
    digest,
    tiles: tiles.map((tile) => budget.tile(tile)),
    colours,
    ...(labelCounts && { labelCounts }),
    pictures: budget.pictures(pictures),
  });
}

/** Examples of items that were rejected or failed. */
function* unstored({ examples }: Digest) {
  for (const [code, of] of examples) {
    const { class: outcome } = codeInfo(code);
    if (outcome === 'rejected' || outcome === 'failed') yield* of;
  }
}
