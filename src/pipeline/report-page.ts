import { existsSync } from 'node:fs';
import { resolvePlace } from '../io/place.ts';
import { findTools, type MediaTools } from '../media/tools.ts';
import { type LocalReader, openReader } from '../stores/index.ts';
import { contextOf, type RunEnvironment } from './environment.ts';
import type { RunReport } from './report.ts';
import { writeHtmlReport } from './report-html/write.ts';
import { StoreRuns } from './store-runs.ts';
import type { Target } from './target.ts';

/** Writes the page of a run that has ended and let go of its store. Never fails the run. */
export async function writePage(target: Target, report: RunReport, env: RunEnvironment): Promise<void> {
  const store = resolvePlace(target.store);
  const folder = (await StoreRuns.of(store, env)).folder(report.runId);
  // Who lets go at once waits for no pictures.
  if (env.abort.aborted || !existsSync(folder.report)) return;
  let tools: Promise<MediaTools> | undefined;
  const reader = target.sink === undefined ? await readerOf(store, env) : undefined;
  try {
    const sources = {
      ...(reader === undefined ? {} : { reader }),
      tools: () => (tools ??= findTools({ path: env.searchPath })),
    };
    await writeHtmlReport(folder, report, sources, contextOf(env));
  } finally {
    reader?.close();
  }
}

async function readerOf(store: string, env: RunEnvironment): Promise<LocalReader | undefined> {
  try {
    return await openReader(store);
  } catch (error) {
    env.logger.warn({ error }, 'the page of the run shows no inputs, for the store cannot be read');
    return undefined;
  }
}
