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

/** Rows of a name, a bar and a count; the bars are relative to the longest. */
export function barList(
  rows: readonly { label: Content; count: number; note?: Content; swatch?: string }[],
  tone = 'accent',
): Html {
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return html`<ul class="bars">${rows.map(
    ({ label, count, note, swatch }) => html`<li>
<span class="label">${swatch && html`<i class="swatch" style="background:${swatch}"></i>`}${label}</span>
<span class="track"><span class="bar ${tone}" style="width:${Math.round((count / most) * 1000) / 10}%"></span></span>
<span class="count">${number(count)}${note && html` <small>${note}</small>`}</span></li>`,
  )}</ul>`;
}

export type Tone = OutcomeName | 'pending' | 'warning' | 'accent';

export const chip = (tone: Tone, text: Content): Html => html`<span class="chip ${tone}">${text}</span>`;
