import type { NextStep } from '../next-steps.ts';
import type { RunReport } from '../report.ts';
import type { RunManifest } from '../run-folder.ts';
import { formatBytes } from '../wording.ts';
import { sizeChart, throughputCharts } from './charts.ts';
import type { Digest } from './digest.ts';
import { type Content, type Html, html, name } from './html.ts';
import { barList, number, plural, section } from './parts.ts';

export function next(steps: readonly NextStep[]): Html {
  return section(
    'next',
    'What to do next',
    undefined,
    html`<dl class="next">${steps.map(
      ({ what, how }) => html`<div><dt>${what}</dt><dd><code>${how}</code></dd></div>`,
    )}</dl>`,
  );
}

export function pace(report: RunReport, { timeline, sizes }: Digest): Html | undefined {
  const kinds = Object.entries(report.byKind).sort(([, a], [, b]) => b - a);
  const throughput = throughputCharts(timeline);
  if (throughput === undefined && sizes.count === 0) return undefined;
  const span =
    sizes.count === 0
      ? undefined
      : html`<p class="more">${formatBytes(sizes.smallest)} to ${formatBytes(sizes.largest)}, ${formatBytes(sizes.bytes / sizes.count)} on average</p>`;
  return section(
    'pace',
    'Pace and size',
    throughput === undefined
      ? 'What was stored, by its size and kind.'
      : 'Outcomes by the second they were made durable, and what was stored by its size and kind.',
    html`<div class="columns">
${throughput && html`<div class="panel whole charts">${throughput}<p class="more legend-line"><i class="fill ok"></i>ok <i class="fill skipped"></i>skipped <i class="fill rejected"></i>rejected <i class="fill failed"></i>failed</p></div>`}
${sizes.count > 0 ? html`<div class="panel"><figure><figcaption>Items by size</figcaption>${sizeChart(sizes.bins)}</figure>${span}</div>` : undefined}
${
  kinds.length > 0
    ? html`<div class="panel"><h3>Items by kind</h3>${barList(
        kinds.map(([label, count]) => ({ label, count })),
        'ok',
      )}${
        report.withText
          ? html`<p class="more">${plural(report.withText, 'image')} with a text</p>`
          : undefined
      }${batches(report)}</div>`
    : undefined
}
</div>`,
  );
}

function batches({ batches: { count, maxItems, maxBytes, closedBy } }: RunReport): Html | undefined {
  if (count === 0) return undefined;
  const reasons: [string, number][] = [
    ['full', closedBy.items],
    ['at the byte limit', closedBy.bytes],
    ['after waiting', closedBy.age],
    ['at the end', closedBy.end],
  ];
  const closed = reasons.filter(([, n]) => n > 0).map(([why, n]) => `${number(n)} ${why}`);
  return html`<h3 class="second">Requests</h3><p>${plural(count, 'request')} of at most ${plural(maxItems, 'item')} and ${formatBytes(maxBytes)}; sent ${closed.join(', ')}.</p>`;
}

/** What was changed so that items fit the limits. */
export function repairs({ repairs: { count, steps, examples } }: Digest): Html | undefined {
  if (count === 0) return undefined;
  const rows = [...steps]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([label, n]) => ({ label, count: n }));
  const shown = examples.map(({ uri, bytes, repair }) => {
    const parts = repair.parts === undefined ? undefined : plural(repair.parts.length, 'part');
    const after = parts ?? (bytes === undefined ? '' : formatBytes(bytes));
    return html`<li><div><p class="uri">${name(uri)}</p><p class="why">${repair.steps.join(', ')}: ${formatBytes(repair.originalBytes)} → ${after}</p></div></li>`;
  });
  return section(
    'repairs',
    'Repaired',
    `${plural(count, 'item was', 'items were')} changed to fit the limits, as the pipeline asks for. The hash of each original is in the ledger.`,
    html`<div class="columns"><div class="panel">${barList(rows)}</div><div class="panel"><ul class="examples">${shown}</ul></div></div>`,
  );
}

export function details(report: RunReport, manifest: RunManifest, store: string): Html {
  const rows: [string, Content][] = [
    ...report.sources.map((source): [string, Content] => [
      report.sources.length > 1 && source.name !== undefined ? `source ${source.name}` : 'source',
      html`${name(source.uri, 240)}<small>${name(source.describes, 300)}</small>`,
    ]),
    ['store', name(store, 240)],
    ['dataset', name(report.dataset)],
    ['command', manifest.retryOf === undefined ? report.command : `${report.command} of ${manifest.retryOf}`],
    ['run', report.runId],
    ['started', report.startedAt],
    ['ended', report.endedAt],
    ['status', `${report.status}, exit code ${report.exitCode}`],
    ['versions', `sluice ${manifest.versions.sluice}, node ${manifest.versions.node}`],
    ['configuration', html`<code>${manifest.configHash.slice(0, 16)}</code>`],
  ];
  return section(
    'run',
    'The run',
    undefined,
    html`<dl class="details">${rows.map(
      ([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`,
    )}</dl>`,
  );
}
