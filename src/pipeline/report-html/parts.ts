import type { OutcomeName } from '../../model/outcome.ts';
import { formatCount } from '../wording.ts';
import { type Content, type Html, html } from './html.ts';

/** `1 234 567`, in groups that do not break. */
export const number = (count: number): string => formatCount(count).replaceAll(' ', '\u202f');

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

export function section(id: string, title: string, intro: Content, body: Content): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<div class="head"><h2 id="${id}-title">${title}</h2>${intro && html`<p>${intro}</p>`}</div>
${body}
</section>
`;
}

/** Longer lists run in columns. */
const LONG = 12;
export const isLong = (rows: number): boolean => rows > LONG;

/** Rows of a name, a bar and a count; the bars are relative to the longest. */
export function barList(
  rows: readonly { label: Content; count: number; note?: string | undefined }[],
  tone = 'accent',
): Html {
  const most = Math.max(1, ...rows.map(({ count }) => count));
  // Bars can be compared only where all of them have the same room.
  const digits = Math.max(3, ...rows.map(({ count, note = '' }) => number(count).length + note.length));
  return html`<ul class="bars${isLong(rows.length) ? ' many' : ''}" style="--count:${digits}ch">${rows.map(
    ({ label, count, note }) => html`<li><span class="label">${label}</span>
<span class="track"><span class="bar ${tone}" style="width:${Math.round((count / most) * 1000) / 10}%"></span></span>
<span class="count">${number(count)}${note && html` <small>${note}</small>`}</span></li>`,
  )}</ul>`;
}

export type Tone = OutcomeName | 'pending' | 'warning' | 'accent';

export const chip = (tone: Tone, text: Content): Html => html`<span class="chip ${tone}">${text}</span>`;

/** The mark at the head of a page, and what the page is. */
export const brand = (what: string): Html =>
  html`<p class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 5h18M3 12h11M3 19h5"/><path class="flow" d="M18 10v9m0 0 3.2-3.2M18 19l-3.2-3.2"/></svg>Sluice <span>${what}</span></p>`;
