import type { IndexReport } from '../indexing/index-accounts.ts';
import { type Html, html, name } from './html.ts';
import { number, section } from './parts.ts';

/** What the run did to the index: the same accounting as of items, and the models. */
export function index(report: IndexReport | undefined): Html | undefined {
  if (report === undefined) return undefined;
  const { totals, models, vectors, workflow, failures = [] } = report;
  const fates = {
    ok: totals.ok,
    failed: totals.failed,
    skipped: totals.skipped,
    pending: totals.pending ?? 0,
  };
  const terms = Object.entries(fates).map(
    ([fate, count], i) =>
      html`${i > 0 ? ' + ' : ''}<b class="${count === 0 ? 'none' : `ink-${fate}`}">${number(count)}</b> ${fate}`,
  );
  const unembedded = failures.map(
    ({ inputId, code, message }) =>
      html`<div><dt>${name(inputId, 48)}</dt><dd><code>${code}</code> ${name(message, 200)}</dd></div>`,
  );
  return section('index', 'Index', html`Under the base workflow ${name(workflow, 48)}.`, [
    html`<p class="sum"><b>${number(totals.listed)}</b> inputs = ${terms}; ${number(vectors)} vectors written</p>`,
    html`<dl class="next">${models.map(
      ({ kind, name: title, model, dimensions, device }) =>
        html`<div><dt>${kind} ${name(title, 48)}</dt><dd><code>${model}</code> ${number(dimensions)} numbers, on ${device.got}${device.tried.map(
          ({ device: tried, error }) => html`; not ${tried}: ${name(error, 200)}`,
        )}</dd></div>`,
    )}</dl>`,
    ...(unembedded.length > 0 ? [html`<dl class="next">${unembedded}</dl>`] : []),
  ]);
}
