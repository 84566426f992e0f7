import { OUTCOMES } from '../../model/outcome.ts';
import type { RunReport } from '../report.ts';
import { formatBytes, formatDuration } from '../wording.ts';
import { type Content, type Html, html, name } from './html.ts';
import { brand, number, plural, type Tone } from './parts.ts';

/** What came in and what became of it, before anything else. */
export function hero(report: RunReport, endings: { elapsedMs: number }): Html {
  const { totals } = report;
  const terms = OUTCOMES.map(
    (outcome) =>
      html`<div class="term ${outcome}${totals[outcome] === 0 ? ' none' : ''}"><dd>${number(totals[outcome])}</dd><dt>${outcome}</dt></div>`,
  );
  return html`<header class="hero">
${brand('run report')}
<h1>${title(report)}</h1>
<p class="verdict ${verdictTone(report)}"><b>${verdict(report)}</b> ${explained(report)}</p>
<dl class="identity" aria-label="${`${totals.listed} listed = ${totals.ok} ok + ${totals.rejected} rejected + ${totals.failed} failed + ${totals.skipped} skipped`}">
<div class="term listed"><dd>${number(totals.listed)}</dd><dt>listed</dt></div>
<span class="sign" aria-hidden="true">=</span>
${terms.flatMap((term, i) => [i === 0 ? undefined : html`<span class="sign" aria-hidden="true">+</span>`, term])}
</dl>
${meter(report)}
${pending(report)}
${facts(report, endings.elapsedMs)}
</header>
`;
}

function title({ sources, dataset }: RunReport): Content {
  const shown = sources
    .slice(0, 3)
    .map((source, i) => [i > 0 ? ', ' : '', name(source.name ?? lastPart(source.uri), 48)]);
  const more = sources.length > 3 ? html` and ${sources.length - 3} more` : undefined;
  return html`${shown}${more} <span class="arrow">→</span> ${name(dataset, 48)}`;
}

const lastPart = (uri: string): string => /[^/\\]+(?=[/\\]*$)/.exec(uri)?.[0] ?? uri;

function verdict({ status, totals, exitCode }: RunReport): string {
  if (status === 'interrupted') return 'Interrupted.';
  if (status === 'failed')
    return exitCode === 3 ? 'Finished, but not proven complete.' : 'Stopped by an error.';
  return totals.rejected + totals.failed > 0
    ? 'Finished, with exceptions.'
    : 'Finished, everything in place.';
}

function explained({ status, totals, exitCode, error }: RunReport): Content {
  const code = html`<span class="exit">Exit code ${exitCode}</span>`;
  if (error !== undefined) return html`${name(error.message, 300)} ${error.remedy} ${code}`;
  if (status === 'interrupted') return html`Nothing is lost; it can be resumed where it was. ${code}`;
  const bad = totals.rejected + totals.failed;
  if (bad === 0) return html`Every listed item has exactly one outcome. ${code}`;
  return html`Every listed item has exactly one outcome; ${plural(bad, 'item needs', 'items need')} a look. ${code}`;
}

function verdictTone({ status, totals }: RunReport): Tone {
  if (status === 'interrupted') return 'pending';
  if (status === 'failed') return 'failed';
  return totals.rejected + totals.failed > 0 ? 'rejected' : 'ok';
}

/** The terms as lengths; what is there at all is seen, however small its share. */
function meter({ totals }: RunReport): Html | undefined {
  const shares = [
    ...OUTCOMES.map((outcome) => [outcome, totals[outcome]] as const),
    ['pending', totals.pending ?? 0] as const,
  ];
  const there = shares.filter(([, count]) => count > 0);
  if (there.length === 0) return undefined;
  return html`<div class="meter" aria-hidden="true">${there.map(
    ([tone, count]) =>
      html`<span class="${tone}" style="flex-grow:${count}" title="${`${number(count)} ${tone}`}"></span>`,
  )}</div>`;
}

function pending({ totals }: RunReport): Html | undefined {
  if (totals.pending === undefined) return undefined;
  return html`<p class="pending-note">${plural(totals.pending, 'item was', 'items were')} listed beyond these and ${totals.pending === 1 ? 'waits' : 'wait'} for the run to be resumed.</p>`;
}

function facts(report: RunReport, elapsedMs: number): Html {
  const { bytes, totals } = report;
  const tookMs = Date.parse(report.endedAt) - Date.parse(report.startedAt);
  const seconds = Math.max(elapsedMs, 1) / 1000;
  const perSecond = totals.listed / seconds;
  const rows: [string, Content][] = [
    ['started', `${report.startedAt.slice(0, 10)} ${report.startedAt.slice(11, 16)} UTC`],
    ['took', formatDuration(tookMs)],
    ['read', formatBytes(bytes.read)],
    ['stored', formatBytes(bytes.stored)],
    ['pace', `${perSecond < 10 ? perSecond.toFixed(1) : number(Math.round(perSecond))} items/s`],
  ];
  return html`<dl class="facts">${rows.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}
