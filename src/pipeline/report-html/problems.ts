import { type Code, codeInfo } from '../../model/codes.ts';
import type { RunReport } from '../report.ts';
import type { Example } from './digest.ts';
import { type Content, type Html, html, name } from './html.ts';
import { chip, number, plural, section, type Tone } from './parts.ts';
import type { Picture } from './pictures.ts';

type Examples = ReadonlyMap<Code, readonly Example[]>;
const FEW = 3;

/** Rejected and failed items by code: what it means, what to do, and some of them. */
export function problems(
  report: RunReport,
  examples: Examples,
  pictures: ReadonlyMap<string, Picture>,
): Html | undefined {
  const { rejected, failed } = report.totals;
  const cards = (['failed', 'rejected'] as const).flatMap((outcome) =>
    countsOf(report.byCode, outcome).map(([code, count]) =>
      card(
        outcome,
        code,
        count,
        (examples.get(code) ?? []).map((example) => exampleRow(example, pictures)),
      ),
    ),
  );
  if (cards.length === 0) return undefined;
  const parts = [
    rejected > 0 ? `${plural(rejected, 'item was', 'items were')} rejected` : '',
    failed > 0 ? `${number(failed)} failed` : '',
  ];
  const intro = `${parts.filter(Boolean).join(', ')}. What is named here is not in the dataset; each item has its reason and a way back.`;
  return section('problems', 'What needs a look', intro, html`<div class="cards">${cards}</div>`);
}

/** Warnings and skipped items, by code. */
export function notes(report: RunReport, examples: Examples): Html | undefined {
  const rows = (['warning', 'skipped'] as const).flatMap((tone) =>
    countsOf(tone === 'warning' ? (report.warnings ?? {}) : report.byCode, tone).map(([code, count]) =>
      card(
        tone,
        code,
        count,
        (examples.get(code) ?? []).slice(0, FEW).map((example) => exampleRow(example)),
      ),
    ),
  );
  if (rows.length === 0) return undefined;
  const intro = 'Warnings stand beside an item that is ok. Skipped items were left out for the reason given.';
  return section('notes', 'Warnings and skipped', intro, html`<div class="cards">${rows}</div>`);
}

/** Codes of one class, most frequent first. */
export function countsOf(counts: Partial<Record<Code, number>>, tone: Tone): [Code, number][] {
  return (Object.entries(counts) as [Code, number][])
    .filter(([code]) => codeInfo(code).class === tone)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}

export function card(tone: Tone, code: Code, count: number, rows: readonly Content[]): Html {
  const info = codeInfo(code);
  const more = count - rows.length;
  return html`<article class="card edge-${tone}">
<header>${chip(tone, tone)}<h3>${code} <span class="num">${info.number}</span></h3><b class="times">${number(count)}</b></header>
<p>${info.meaning}</p>
${info.remedy === 'Nothing to do.' ? undefined : html`<p class="remedy">${info.remedy}</p>`}
${rows.length > 0 ? html`<ul class="examples">${rows}</ul>` : undefined}
${more > 0 && rows.length > 0 ? html`<p class="more">and ${number(more)} more</p>` : undefined}
</article>`;
}

function exampleRow(example: Example, pictures?: ReadonlyMap<string, Picture>): Html {
  const { uri, message } = example;
  const picture = pictures?.get(uri);
  return html`<li>${picture ? html`<img src="${picture.uri}" alt="" width="${picture.width}" height="${picture.height}">` : undefined}
<div><p class="uri">${name(uri)}</p>${message && html`<p class="why">${name(message, 280)}</p>`}${measuredOf(example)}</div></li>`;
}

/** What was measured against the limit; numbers also as a bar. */
export function measuredOf({
  measured,
  limit,
}: Partial<Pick<Example, 'measured' | 'limit'>>): Html | undefined {
  if (measured === undefined || limit === undefined) return undefined;
  return html`<p class="measured">measured <b>${value(measured)}</b> limit <b>${value(limit)}</b></p>`;
}

const value = (of: number | string): Content =>
  typeof of === 'string'
    ? name(of, 60)
    : Number.isInteger(of)
      ? number(of)
      : String(Number(of.toPrecision(6)));
