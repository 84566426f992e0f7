import type { NextStep } from '../next-steps.ts';
import type { RunReport } from '../report.ts';
import type { RunManifest } from '../run-folder.ts';
import type { ClassColours } from './colours.ts';
import { details, next, pace, repairs } from './details.ts';
import type { Digest } from './digest.ts';
import { gallery } from './gallery.ts';
import { hero } from './hero.ts';
import { Html, html } from './html.ts';
import { index } from './index-part.ts';
import type { LabelCounts } from './label-counts.ts';
import { labels } from './labels.ts';
import type { Picture } from './pictures.ts';
import { notes, problems } from './problems.ts';
import { STYLES } from './styles.ts';
import type { Tile } from './tiles.ts';

export interface PageData {
  report: RunReport;
  manifest: RunManifest;
  store: string;
  steps: readonly NextStep[];
  digest: Digest;
  tiles: readonly Tile[];
  colours: ClassColours;
  /** Absent where there is no store to read. */
  labelCounts?: LabelCounts;
  /** Of items that are not in the store, by uri. */
  pictures: ReadonlyMap<string, Picture>;
}

/** Nothing is loaded from anywhere and nothing runs: the page is text, styles and data URIs. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole page. The same data give the same bytes. */
export function renderPage(data: PageData): string {
  const { report, manifest, digest } = data;
  const title = `${report.dataset} · ${report.runId}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(STYLES)}</style>
</head>
<body>
<main>
${hero(report, { elapsedMs: digest.timeline.elapsedMs })}
${problems(report, digest.examples, data.pictures)}
${next(data.steps)}
${gallery(data.tiles, data.colours)}
${labels(report, data.labelCounts, digest.problems)}
${index(report.index)}
${pace(report, digest)}
${repairs(digest)}
${notes(report, digest.examples)}
${details(report, manifest, data.store)}
</main>
<footer>Written by Sluice ${manifest.versions.sluice}. Every outcome is in the ledger beside this page.</footer>
</body>
</html>
`;
  return page.markup;
}
