import { OUTCOMES, type OutcomeName } from '../../model/outcome.ts';
import { formatBytes, formatDuration } from '../wording.ts';
import { type Content, type Html, html } from './html.ts';
import { number, plural } from './parts.ts';
import type { SizeBin } from './sizes.ts';
import type { Bucket, Timeline } from './timeline.ts';

/** Of the drawing; the page scales it. */
const WIDTH = 480;
const HEIGHT = 180;
const LEFT = 58;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 26;
const PLOT = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
const MAX_POINTS = 72;
/** Of a shorter run there is no course to show. */
const MIN_MS = 2_000;
/** From the bottom up. */
const STACK: readonly OutcomeName[] = ['ok', 'skipped', 'rejected', 'failed'];

/** Items and megabytes a second over the course of the run; undefined for a run too short to have a course. */
export function throughputCharts(timeline: Timeline): Html | undefined {
  const { widthMs, buckets } = timeline.view(MAX_POINTS);
  if (timeline.elapsedMs < MIN_MS) return undefined;
  const frame = { widthMs, count: buckets.length, timeline };
  const items = buckets.map(({ counts }) => STACK.map((outcome) => perSecond(counts[outcome], widthMs)));
  const bytes = buckets.map((bucket) => [perSecond(bucket.bytes, widthMs)]);
  const itemHover = (bucket: Bucket) =>
    `${rate(perSecond(sumOf(bucket.counts), widthMs))} items/s (${
      STACK.filter((o) => bucket.counts[o] > 0)
        .map((o) => `${bucket.counts[o]} ${o}`)
        .join(', ') || 'none'
    })`;
  const bytesHover = (bucket: Bucket) => `${formatBytes(perSecond(bucket.bytes, widthMs))}/s`;
  return html`
    <figure><figcaption>Items per second</figcaption>
    ${areaChart('Items per second over time', items, STACK, rate, buckets.map(itemHover), frame)}</figure>
    <figure><figcaption>Data per second</figcaption>
    ${areaChart('Bytes per second over time', bytes, ['bytes'], edge, buckets.map(bytesHover), frame)}</figure>`;
}

interface Frame {
  widthMs: number;
  count: number;
  timeline: Timeline;
}

/** `values[bucket][series]`, stacked in the order of `series`. */
function areaChart(
  title: string,
  values: readonly (readonly number[])[],
  series: readonly string[],
  shown: (value: number) => string,
  hovers: readonly string[],
  { widthMs, count, timeline }: Frame,
): Html {
  const top = Math.max(...values.map((of) => of.reduce((sum, value) => sum + value, 0)));
  const { max, step } = niceScale(top);
  const x = (bucket: number) => LEFT + (bucket / count) * PLOT.width;
  const y = (value: number) => TOP + PLOT.height - (value / max) * PLOT.height;
  const areas: Content[] = [];
  let below = values.map(() => 0);
  series.forEach((name, s) => {
    const above = below.map((sum, i) => sum + values[i]![s]!);
    if (above.some((sum, i) => sum > below[i]!)) {
      const edge = (level: readonly number[]) =>
        level.flatMap((value, i) => [
          `${fixed(x(i))} ${fixed(y(value))}`,
          `${fixed(x(i + 1))} ${fixed(y(value))}`,
        ]);
      areas.push(
        html`<path class="fill-${name}" d="M${edge(above).join('L')}L${edge(below).reverse().join('L')}Z"/>`,
      );
    }
    below = above;
  });
  const lines: Content[] = [];
  for (let value = 0; value <= max * 1.001; value += step) {
    lines.push(
      html`<path class="grid" d="M${LEFT} ${fixed(y(value))}H${WIDTH - RIGHT}"/><text class="axis" x="${LEFT - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${shown(value)}</text>`,
    );
  }
  const ticks = timeTicks(widthMs * count).map(
    (ms) =>
      html`<text class="axis" x="${fixed(x(ms / widthMs))}" y="${HEIGHT - 8}" text-anchor="${ms === 0 ? 'start' : 'middle'}">${ms === 0 ? '0' : formatDuration(ms)}</text>`,
  );
  const pauses = timeline.pauses.map(
    ({ atMs, lastedMs }) =>
      html`<g><title>${`paused for ${formatDuration(lastedMs)}`}</title><path class="pause" d="M${fixed(x(atMs / widthMs))} ${TOP}v${PLOT.height}"/></g>`,
  );
  const hover = hovers.map(
    (text, i) =>
      html`<rect class="hover" x="${fixed(x(i))}" y="${TOP}" width="${fixed(PLOT.width / count)}" height="${PLOT.height}"><title>${`${formatDuration(i * widthMs)} – ${formatDuration((i + 1) * widthMs)}: ${text}`}</title></rect>`,
  );
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${`${title}, at most ${shown(top)}`}">${lines}${areas}${pauses}${ticks}${hover}</svg>`;
}

/** How many items have which size. */
export function sizeChart(bins: readonly SizeBin[]): Html {
  const most = Math.max(...bins.map(({ count }) => count));
  const { max, step } = niceScale(most, 1);
  const slot = PLOT.width / Math.max(bins.length, 6);
  const left = LEFT + (PLOT.width - slot * bins.length) / 2;
  const y = (value: number) => TOP + PLOT.height - (value / max) * PLOT.height;
  const lines: Content[] = [];
  for (let value = 0; value <= max; value += step) {
    lines.push(
      html`<path class="grid" d="M${LEFT} ${fixed(y(value))}H${WIDTH - RIGHT}"/><text class="axis" x="${LEFT - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${number(value)}</text>`,
    );
  }
  const every = Math.ceil(bins.length / 9);
  const bars = bins.map(({ from, to, count }, i) => {
    const title = `${edge(from)} – ${Number.isFinite(to) ? edge(to) : 'and more'}: ${plural(count, 'item')}`;
    const height = count === 0 ? 0 : Math.max(1.5, (count / max) * PLOT.height);
    return html`<g><title>${title}</title><rect class="hover" x="${fixed(left + slot * i)}" y="${TOP}" width="${fixed(slot)}" height="${PLOT.height}"/><rect class="fill-bytes" rx="2" x="${fixed(left + slot * i + 2)}" y="${fixed(TOP + PLOT.height - height)}" width="${fixed(slot - 4)}" height="${fixed(height)}"/></g>${
      i % every === 0
        ? html`<text class="axis" x="${fixed(left + slot * i)}" y="${HEIGHT - 8}" text-anchor="middle">${edge(from)}</text>`
        : undefined
    }`;
  });
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Number of items by size">${lines}${bars}</svg>`;
}

/** Round lines of the grid: about four, and never fractions where `least` is 1. */
function niceScale(top: number, least = 0): { max: number; step: number } {
  // Nothing at all still has a scale.
  const rough = (top > 0 ? top : 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(least, [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough)!);
  return { max: Math.ceil(top / step || 1) * step, step };
}

const TIME_STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200,
];

/** At most seven times in milliseconds. */
function timeTicks(totalMs: number): number[] {
  const stepMs = (TIME_STEPS.find((s) => totalMs / (s * 1000) <= 6) ?? Math.ceil(totalMs / 6000)) * 1000;
  const ticks: number[] = [];
  for (let ms = 0; ms < totalMs; ms += stepMs) ticks.push(ms);
  return ticks;
}

const perSecond = (amount: number, widthMs: number): number => (amount * 1000) / widthMs;
const sumOf = (counts: Bucket['counts']): number =>
  OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);
const rate = (value: number): string =>
  value < 10 ? String(Number(value.toPrecision(2))) : number(Math.round(value));
const fixed = (value: number): number => Math.round(value * 10) / 10;
/** A bound of a size bin, which is a round number. */
const edge = (bytes: number): string => formatBytes(bytes).replace(/\.0+ /, ' ');
