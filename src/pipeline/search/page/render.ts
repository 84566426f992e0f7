import type { ClassColours } from '../../report-html/colours.ts';
import { tileOf } from '../../report-html/gallery.ts';
import { type Content, Html, html, name } from '../../report-html/html.ts';
import { brand, number, plural } from '../../report-html/parts.ts';
import type { Picture } from '../../report-html/pictures.ts';
import { STYLES } from '../../report-html/styles.ts';
import { formatDuration } from '../../wording.ts';
import type { SearchHit, SearchResult } from '../result.ts';
import type { HitTile } from './hit-tiles.ts';

/** Nothing is loaded from anywhere and nothing runs: the page is text, styles and data URIs. */
const POLICY =
  "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export interface SearchPage {
  result: SearchResult;
  tiles: readonly HitTile[];
  colours: ClassColours;
  /** Of the image that was searched by. */
  query: Picture | undefined;
}

/** The whole page. The same data give the same bytes. */
export function renderSearch({ result, tiles, colours, query }: SearchPage): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${plural(result.hits.length, 'hit')} · search</title>
<style>${new Html(STYLES)}</style>
</head>
<body>
<main>
<header class="hero">
${brand('search')}
<h1>${asked(result)}</h1>
<p class="verdict">${explained(result)}</p>
${query && html`<ul class="examples"><li><img src="${query.uri}" alt="what was searched by"><div><p class="uri">${name(lastPart(result.query.file ?? result.query.id ?? 'the query'), 72)}</p><p class="why">what was searched by</p></div></li></ul>`}
</header>
<section id="hits" aria-label="Hits"><div class="tiles">${tiles.map((each) => hitOf(each, result, colours))}</div></section>
</main>
<footer>Written by sluice search.</footer>
</body>
</html>
`;
  return page.markup;
}

const lastPart = (path: string): string => /[^/\\]+(?=[/\\]*$)/.exec(path)?.[0] ?? path;

function asked({ query: { text, file, id, by } }: SearchResult): Content {
  if (text !== undefined) return html`“${name(text, 160)}”`;
  return html`Like ${name(lastPart(file ?? id ?? `the ${by}`), 60)}`;
}

function explained({ hits, models, workflow, indexed, exact, query }: SearchResult): Content {
  const [first] = models;
  const some = indexed.n < indexed.of;
  return html`<b>${plural(hits.length, query.objects ? 'region' : 'hit')}</b> by ${query.metric === 'cosine' ? 'cosine' : 'euclidean distance'}, model ${name(first?.name ?? '', 60)} of the workflow ${name(workflow, 60)}. ${
    some ? html`${number(indexed.n)} of ${plural(indexed.of, 'input')} are indexed. ` : undefined
  }${exact ? undefined : 'Found by an index, which may miss some.'}`;
}

function hitOf({ hit, tile, sound }: HitTile, result: SearchResult, colours: ClassColours): Html {
  const head = html`<p class="rank"><b>${hit.rank}</b><span>${where(hit)}${score(hit, result)}</span></p>`;
  const foot =
    sound === undefined ? undefined : html`<audio controls preload="metadata" src="${sound}"></audio>`;
  return tileOf(tile, colours, { head, foot });
}

const where = ({ timeMs }: SearchHit): Content =>
  timeMs === undefined ? undefined : html`frame at ${formatDuration(timeMs)} · `;

const score = (hit: SearchHit, { query }: SearchResult): Content =>
  query.metric === 'cosine'
    ? hit.score.toFixed(3)
    : `${hit.score.toFixed(3)} (distance ${hit.distance?.toFixed(3)})`;
