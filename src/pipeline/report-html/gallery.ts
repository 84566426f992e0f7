import type { Annotation, Span } from '../../model/annotation.ts';
import type { Input } from '../../model/input.ts';
import type { Concept } from '../../model/labels.ts';
import { formatBytes, formatDuration } from '../wording.ts';
import { type ClassColours, classOf } from './colours.ts';
import { type Content, type Html, html, name, shortened } from './html.ts';
import { described, MAX_REGIONS, overlay } from './overlay.ts';
import { number, plural, section } from './parts.ts';
import type { Tile } from './tiles.ts';

const MAX_CHIPS = 8;
const EXCERPT = 420;
/** Width to height of a tile's frame. */
const FRAME = 4 / 3;

export function gallery(tiles: readonly Tile[], colours: ClassColours): Html | undefined {
  if (tiles.length === 0) return undefined;
  const annotated = tiles.some(({ drawn }) => drawn.length > 0);
  const intro = `${plural(tiles.length, 'input')}, chosen evenly from what the run stored, the same ones each time.`;
  const toggle = html`<label class="toggle"><input type="checkbox" id="regions" checked><span>Show annotations</span></label>`;
  return section(
    'samples',
    'Samples',
    intro,
    html`${annotated ? toggle : undefined}<div class="tiles">${tiles.map((tile) => tileOf(tile, colours))}</div>`,
  );
}

/** `head` and `foot` go around what is known of the input. */
export function tileOf(
  tile: Tile,
  colours: ClassColours,
  { head, foot }: { head?: Content; foot?: Content } = {},
): Html {
  const { input } = tile;
  return html`<figure class="tile ${input.kind}">
<div class="frame">${view(tile, colours)}${badge(input)}</div>
<figcaption>${head}<p class="uri" title="${shortened(input.uri, 300)}">${name(lastPart(input.uri), 72)}</p>${input.kind !== 'text' && input.text ? html`<p class="caption">${name(input.text, 160)}</p>` : undefined}<p class="meta">${facts(input)}</p>${legend(tile, colours)}${foot}</figcaption>
</figure>`;
}

/** What tells neighbours apart; the whole uri is its title. */
const lastPart = (uri: string): string => uri.slice(uri.lastIndexOf('/') + 1) || uri;

function view({ input, picture, drawn, masks, excerpt }: Tile, colours: ClassColours): Html {
  if (excerpt !== undefined)
    return html`<p class="excerpt" dir="auto">${marked(excerpt, input.annotations, colours)}</p>`;
  if (picture === undefined) return html`<div class="no-picture">${ICONS[input.kind]}</div>`;
  const ratio = picture.width / picture.height;
  const width = Math.round(Math.min(1, ratio / FRAME) * 1000) / 10;
  const what = described(drawn);
  const alt = `${input.kind} ${shortened(input.uri, 72)}${what === '' ? '' : `, with ${what}`}`;
  const small = Math.max(picture.width, picture.height) < 96 ? ' small' : '';
  return html`<div class="picture${small}" style="width:${width}%;aspect-ratio:${picture.width}/${picture.height}"><img src="${picture.uri}" alt="${alt}" width="${picture.width}" height="${picture.height}">${overlay(drawn, colours, masks)}</div>`;
}

const ICONS: Record<Input['kind'], Html> = {
  image: html`<svg viewBox="0 0 24 24" aria-label="image without a preview"><path d="M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4"/></svg>`,
  video: html`<svg viewBox="0 0 24 24" aria-label="video without a preview"><path d="M3 6h18v12H3zM10 9.5v5l4.5-2.5z"/></svg>`,
  audio: html`<svg viewBox="0 0 24 24" aria-label="audio without a preview"><path d="M3 12h2m2-4v8m3-11v14m3-10v6m3-9v12m3-8v4m2-2h1"/></svg>`,
  text: html`<svg viewBox="0 0 24 24" aria-label="text"><path d="M5 6h14M5 11h14M5 16h9"/></svg>`,
};

function badge({ kind, media }: Input): Html | undefined {
  if (kind !== 'video' && kind !== 'audio') return undefined;
  return html`<span class="badge">${kind}${media.durationMs === undefined ? undefined : html` ${formatDuration(media.durationMs)}`}</span>`;
}

function facts({ media, bytes, split }: Input): Content {
  const size = media.width === undefined ? undefined : `${media.width} × ${media.height}`;
  return [media.format.toUpperCase(), size, formatBytes(bytes), split]
    .filter((fact) => fact !== undefined)
    .map((fact, i) => html`${i > 0 ? ' · ' : ''}${shortened(fact, 24)}`);
}

/** Concepts of the input, then the classes of its annotations with their colours. */
function legend({ input, drawn }: Tile, colours: ClassColours): Html | undefined {
  const classes = new Map<string, { annotation: Annotation; count: number }>();
  for (const annotation of input.annotations) {
    const key = classOf(annotation)?.id ?? '';
    const counted = classes.get(key);
    if (counted === undefined) classes.set(key, { annotation, count: 1 });
    else counted.count++;
  }
  const chips = [
    ...input.concepts.map(conceptChip),
    ...[...classes.values()].map(({ annotation, count }) => classChip(annotation, count, colours)),
  ];
  if (chips.length === 0) return undefined;
  const more = chips.length - MAX_CHIPS;
  const hidden = drawn.length - MAX_REGIONS;
  return html`<ul class="labels">${chips.slice(0, MAX_CHIPS)}${more > 0 ? html`<li class="more">+${number(more)}</li>` : undefined}${
    hidden > 0 ? html`<li class="more">${plural(hidden, 'region')} not drawn</li>` : undefined
  }</ul>`;
}

const conceptChip = ({ name: text, value }: Concept): Html =>
  value > 0
    ? html`<li>${name(text, 32)}</li>`
    : html`<li class="negative" title="negative: said not to be there">${name(text, 32)}</li>`;

const classChip = (annotation: Annotation, count: number, colours: ClassColours): Html =>
  html`<li class="class"><i style="background:${colours.of(annotation)}"></i>${name(classOf(annotation)?.name ?? 'no concept', 32)}${count > 1 ? html` <small>${number(count)}</small>` : undefined}</li>`;

/** The beginning of a text with its spans marked; of spans that overlap, the first. */
function marked(text: string, annotations: readonly Annotation[], colours: ClassColours): Content {
  const spans = annotations
    .filter((annotation): annotation is Annotation & { span: Span } => annotation.span !== undefined)
    .sort((a, b) => a.span.start - b.span.start);
  const parts: Content[] = [];
  let at = 0;
  for (const annotation of spans) {
    const { start, end } = annotation.span;
    if (start < at || end > EXCERPT) continue;
    parts.push(text.slice(at, start));
    parts.push(
      html`<mark style="--class:${colours.of(annotation)}" title="${shortened(classOf(annotation)?.name ?? '', 60)}">${text.slice(start, end)}</mark>`,
    );
    at = end;
  }
  return [...parts, text.slice(at, EXCERPT), text.length > EXCERPT ? '…' : ''];
}
