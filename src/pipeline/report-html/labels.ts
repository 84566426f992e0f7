import type { Code } from '../../model/codes.ts';
import type { RunReport } from '../report.ts';
import type { ProblemExample } from './digest.ts';
import { type Html, html, name } from './html.ts';
import type { ConceptCounts, LabelCounts } from './label-counts.ts';
import { barList, isLong, number, plural, section } from './parts.ts';
import { card, countsOf, measuredOf } from './problems.ts';

const TOP = 30;

/** Which labels there are, and which annotations could not be used. */
export function labels(
  report: RunReport,
  counts: LabelCounts | undefined,
  problems: ReadonlyMap<Code, readonly ProblemExample[]>,
): Html | undefined {
  const labelled = counts !== undefined && counts.ofInputs.size + counts.annotations > 0;
  if (!labelled && report.annotations === undefined) return undefined;
  return section('labels', 'Labels', counts && introOf(counts), [
    report.annotations && identity(report.annotations.totals),
    counts && charts(counts),
    report.annotations && unusable(report.annotations.byCode, problems),
  ]);
}

function introOf(counts: LabelCounts): string {
  const bare =
    counts.unlabelled === 0 ? 'each has a label' : `${number(counts.unlabelled)} without any label`;
  return `Over the ${plural(counts.inputs, 'input')} that this run stored or changed; ${bare}.`;
}

/** The same accounting as of items. */
function identity(totals: NonNullable<RunReport['annotations']>['totals']): Html {
  const terms = (['ok', 'rejected', 'failed', 'skipped'] as const).map(
    (outcome, i) =>
      html`${i > 0 ? ' + ' : ''}<b class="${totals[outcome] === 0 ? 'none' : `ink-${outcome}`}">${number(totals[outcome])}</b> ${outcome}`,
  );
  return html`<p class="sum"><b>${number(totals.listed)}</b> annotations found = ${terms}</p>`;
}

/** Short lists beside each other, long ones below. */
function charts(counts: LabelCounts): Html {
  const ofInputs = concepts('Concepts of inputs', counts.ofInputs);
  const ofAnnotations = concepts('Concepts of annotations', counts.ofAnnotations);
  const shapes = [...counts.shapes].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  const byShape =
    shapes.length > 0
      ? html`<div class="panel"><h3>Annotations by shape</h3>${barList(shapes.map(([label, count]) => ({ label, count })))}</div>`
      : undefined;
  const long = (of: ConceptCounts) => isLong(Math.min(of.size, TOP));
  const lists = [
    { list: ofInputs, below: long(counts.ofInputs) },
    { list: ofAnnotations, below: long(counts.ofAnnotations) },
    { list: byShape, below: false },
  ].sort((a, b) => Number(a.below) - Number(b.below));
  return html`<div class="columns">${lists.map(({ list }) => list)}</div>`;
}

function concepts(title: string, counts: ConceptCounts): Html | undefined {
  if (counts.size === 0) return undefined;
  const rows = counts.ranked.slice(0, TOP).map(({ name: text, positive, negative }) => ({
    label: name(text, 60),
    count: positive + negative,
    note: negative === 0 ? undefined : `${number(negative)} negative`,
  }));
  const more = counts.size - rows.length;
  const atLeast = counts.overflowed ? 'at least ' : '';
  return html`<div class="panel${isLong(rows.length) ? ' whole' : ''}"><h3>${title} <span class="num">${counts.overflowed ? 'over ' : ''}${number(counts.size)}</span></h3>${barList(rows)}${
    more > 0 ? html`<p class="more">and ${atLeast}${number(more)} more concepts</p>` : undefined
  }</div>`;
}

function unusable(
  byCode: Partial<Record<Code, number>>,
  problems: ReadonlyMap<Code, readonly ProblemExample[]>,
): Html | undefined {
  const cards = countsOf(byCode, 'rejected').map(([code, count]) => {
    const rows = (problems.get(code) ?? []).map(
      (problem) =>
        html`<li><div><p class="uri">${name(problem.uri)}</p><p class="why"><code>${name(problem.ref, 100)}</code> ${name(problem.message, 280)}</p>${measuredOf(problem)}</div></li>`,
    );
    return card('rejected', code, count, rows);
  });
  if (cards.length === 0) return undefined;
  return html`<h3 class="sub">Annotations that could not be used</h3>
<p class="sub-intro">Their inputs are not affected: they were stored with the annotations that are good.</p>
<div class="cards">${cards}</div>`;
}
