/** One colour for each class of outcome, everywhere; no fonts, images or scripts from elsewhere. */
export const STYLES = `
:root {
  color-scheme: light dark;
  --page: #faf9f7; --surface: #fff; --sunk: #f2f0ec; --line: #e5e2dc; --ink: #17191e; --soft: #5a5f6b;
  --ok: #0b7a68; --rejected: #b45309; --failed: #be123c; --skipped: #64748b; --pending: #6d4fd0; --warning: #8a6d00;
  --accent: #33507f; --shade: 0 1px 2px rgb(20 20 30 / .05), 0 8px 24px rgb(20 20 30 / .05);
  --mono: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0e1014; --surface: #171a20; --sunk: #1f232b; --line: #2b303a; --ink: #eceef3; --soft: #a2a9b8;
    --ok: #3ccfb2; --rejected: #f5a352; --failed: #ff7d93; --skipped: #94a3b8; --pending: #ab9bff; --warning: #e3c45a;
    --accent: #86a8e0; --shade: 0 0 0 1px rgb(255 255 255 / .03);
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
h1, h2, h3, p, dl, dd, ul, figure { margin: 0; padding: 0; }
ul { list-style: none; }
small { color: var(--soft); font-size: .82em; }
code { font-family: var(--mono); font-size: .88em; }
bdi { unicode-bidi: isolate; }

.hero { padding: 56px 0 8px; }
.brand { display: flex; align-items: center; gap: 8px; font-weight: 650; font-size: 15px; }
.brand span { color: var(--soft); font-weight: 400; }
.brand svg { width: 20px; fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.brand .flow { stroke: var(--ok); }
h1 { margin-top: 28px; font-size: clamp(28px, 5vw, 44px); line-height: 1.12; letter-spacing: -.022em; font-weight: 680; }
h1 .arrow { color: var(--soft); font-weight: 300; }
.verdict { margin-top: 14px; max-width: 92ch; font-size: 18px; color: var(--soft); }
.verdict b { color: var(--tone); font-weight: 650; }
.exit { display: inline-block; padding: 0 8px; border: 1px solid var(--line); border-radius: 6px; font-size: 13px; line-height: 22px; white-space: nowrap; vertical-align: 1px; }
.ok { --tone: var(--ok); } .rejected { --tone: var(--rejected); } .failed { --tone: var(--failed); }
.skipped { --tone: var(--skipped); } .pending { --tone: var(--pending); } .warning { --tone: var(--warning); }
.accent { --tone: var(--accent); }

.identity { display: flex; align-items: baseline; justify-content: space-between; gap: 8px 12px; margin-top: 44px; }
.term { display: flex; flex-direction: column; }
.term dd { font-size: clamp(34px, 5.6vw, 62px); line-height: 1; font-weight: 660; letter-spacing: -.03em; color: var(--tone, var(--ink)); white-space: nowrap; }
.term dt { margin-top: 10px; color: var(--soft); font-size: 15px; }
.term.none dd { color: var(--soft); opacity: .8; }
.sign { font-size: clamp(22px, 3vw, 34px); font-weight: 300; color: var(--soft); }
.meter { display: flex; gap: 3px; height: 12px; margin-top: 30px; }
.meter span { min-width: 6px; flex-basis: 0; background: var(--tone); border-radius: 3px; }
.meter span:first-child { border-radius: 6px 3px 3px 6px; } .meter span:last-child { border-radius: 3px 6px 6px 3px; }
.meter span:only-child { border-radius: 6px; }
.pending-note { margin-top: 14px; color: var(--pending); }
.facts { display: flex; flex-wrap: wrap; gap: 16px 44px; margin-top: 30px; padding-top: 22px; border-top: 1px solid var(--line); }
.facts dt, .details dt { color: var(--soft); font-size: 13px; }
.facts dd { font-size: 17px; font-weight: 560; }

section { margin-top: 76px; }
.head { margin-bottom: 24px; }
h2 { font-size: 26px; line-height: 1.2; letter-spacing: -.015em; font-weight: 660; }
.head p, .sub-intro { margin-top: 6px; max-width: 92ch; color: var(--soft); }
h3 { font-size: 16px; font-weight: 620; }
h3 .num { color: var(--soft); font-weight: 400; font-size: 14px; }
.sub { margin-top: 40px; font-size: 18px; } .sub-intro { margin-bottom: 18px; }

.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 20px; align-items: start; }
.card, .panel, .tile, .next, .details { background: var(--surface); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shade); min-width: 0; }
.card { padding: 22px 24px; border-top: 3px solid var(--edge); }
.edge-rejected { --edge: var(--rejected); } .edge-failed { --edge: var(--failed); }
.edge-skipped { --edge: var(--skipped); } .edge-warning { --edge: var(--warning); }
.card header { display: grid; grid-template-columns: 1fr auto; gap: 8px 16px; align-items: start; }
.card .chip { grid-column: 1; justify-self: start; } .card h3 { grid-column: 1; font-size: 15px; letter-spacing: .01em; }
.card .times { grid-column: 2; grid-row: 1 / 3; font-size: 36px; line-height: 1; font-weight: 640; letter-spacing: -.02em; color: var(--edge); }
.card > p { margin-top: 10px; }
.remedy { color: var(--soft); } .remedy::before { content: "→ "; color: var(--edge); font-weight: 600; }
.chip { display: inline-block; color: var(--tone); font-size: 12px; font-weight: 620; letter-spacing: .04em; line-height: 20px; padding: 0 8px; border-radius: 10px; background: color-mix(in srgb, var(--tone) 9%, transparent); }
.examples { margin-top: 16px; border-top: 1px solid var(--line); }
.examples li { display: flex; gap: 14px; padding: 12px 0; border-bottom: 1px solid var(--line); }
.examples li:last-child { border-bottom: 0; padding-bottom: 0; }
.examples img { flex: none; width: 72px; height: 54px; object-fit: cover; border-radius: 6px; background: var(--sunk); }
.examples div { min-width: 0; }
.uri { font-weight: 560; font-size: 15px; line-height: 1.4; }
.why { font-size: 14px; color: var(--soft); }
.measured { font-size: 13px; color: var(--soft); } .measured b { color: var(--ink); font-weight: 600; } .measured b:first-of-type { margin-right: 10px; color: var(--edge, var(--ink)); }
.more { margin-top: 12px; font-size: 14px; color: var(--soft); }

.next { overflow: hidden; }
.next div { display: grid; grid-template-columns: minmax(150px, 220px) 1fr; gap: 4px 24px; padding: 14px 24px; border-top: 1px solid var(--line); align-items: baseline; }
.next div:first-child { border-top: 0; }
.next dt { color: var(--soft); } .next dt::first-letter { text-transform: uppercase; }
.next code { user-select: all; -webkit-user-select: all; }

.toggle { display: inline-flex; align-items: center; gap: 8px; margin: -6px 0 18px; cursor: pointer; font-size: 15px; }
.toggle input { width: 17px; height: 17px; accent-color: var(--ok); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: 20px; }
.tile { overflow: hidden; display: flex; flex-direction: column; break-inside: avoid; }
.frame { position: relative; aspect-ratio: 4 / 3; display: grid; place-items: center; background: var(--sunk); overflow: hidden; }
.picture { position: relative; }
.picture img { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.picture.small img { image-rendering: pixelated; }
.overlay { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; filter: drop-shadow(0 0 1px rgb(0 0 0 / .75)); }
.overlay rect, .overlay path { fill: none; stroke: currentColor; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.overlay rect { pointer-events: all; }
.overlay .area { fill: currentColor; fill-opacity: .3; fill-rule: evenodd; }
.overlay .dot { stroke-width: 8; stroke-linecap: round; } .overlay .hidden { stroke-opacity: .45; }
body:has(#regions:not(:checked)) :is(.overlay, .mask) { display: none; }
.audio .picture img { object-fit: contain; }
.excerpt { align-self: start; justify-self: stretch; padding: 18px 20px; font-size: 15px; line-height: 1.6; white-space: pre-wrap; max-height: 100%; overflow: hidden; -webkit-mask-image: linear-gradient(#000 72%, transparent); mask-image: linear-gradient(#000 72%, transparent); }
mark { color: inherit; padding: 1px 2px; border-radius: 3px; background: color-mix(in srgb, var(--class) 28%, transparent); box-shadow: inset 0 -2px var(--class); }
.no-picture svg { width: 64px; fill: none; stroke: var(--soft); stroke-width: 1.4; stroke-linecap: round; stroke-linejoin: round; }
.badge { position: absolute; left: 10px; bottom: 10px; padding: 0 8px; border-radius: 6px; background: rgb(12 14 18 / .78); color: #fff; font-size: 12px; line-height: 22px; }
.tile figcaption { padding: 14px 16px 16px; min-width: 0; }
.tile .uri { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.caption { margin-top: 4px; font-size: 14px; }
.meta { margin-top: 2px; font-size: 13px; color: var(--soft); }
.labels { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 12px; font-size: 13px; line-height: 22px; }
.labels li { padding: 0 8px; border-radius: 11px; background: var(--sunk); }
.labels .class { display: inline-flex; align-items: center; gap: 6px; }
.labels i { flex: none; width: 10px; height: 10px; border-radius: 3px; box-shadow: 0 0 0 1px rgb(0 0 0 / .18); }
.labels .negative { background: none; box-shadow: inset 0 0 0 1px var(--line); color: var(--soft); text-decoration: line-through; }
.labels .more { margin: 0; padding: 0 2px; background: none; color: var(--soft); font-size: 13px; }
.rank { display: flex; justify-content: space-between; gap: 8px; margin-bottom: 4px; font-size: 13px; color: var(--soft); } .rank b { color: var(--ink); font-weight: 640; }
.tile audio { width: 100%; height: 36px; margin-top: 12px; }

.sum { font-size: 18px; margin-bottom: 24px; color: var(--soft); } .sum b { color: var(--ink); font-size: 22px; font-weight: 640; }
.sum .none { color: var(--soft); } .sum .ink-ok { color: var(--ok); } .sum .ink-rejected { color: var(--rejected); } .sum .ink-failed { color: var(--failed); } .sum .ink-skipped { color: var(--skipped); }
.columns { display: flex; flex-wrap: wrap; gap: 20px; }
.panel { flex: 1 1 min(100%, 320px); padding: 22px 24px 24px; } .panel.whole { flex-basis: 100%; }
.panel h3 { margin-bottom: 14px; } .panel .second { margin: 26px 0 6px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 20px 40px; }
.charts .more { grid-column: 1 / -1; margin: 0; }
.bars { font-size: 15px; line-height: 1.3; }
.bars.many { columns: 3 280px; column-gap: 40px; }
.bars li { display: grid; grid-template-columns: minmax(72px, 38%) 1fr minmax(0, var(--count)); gap: 12px; align-items: center; padding: 4px 0; break-inside: avoid; }
.bars .count { text-align: right; }
.track { height: 10px; border-radius: 5px; background: var(--sunk); overflow: hidden; }
.bar { display: block; height: 100%; min-width: 3px; border-radius: 5px; background: var(--tone); }
.panel > .examples { margin-top: 0; border-top: 0; }

figcaption { font-size: 15px; }
.panel figcaption { font-weight: 620; margin-bottom: 10px; font-size: 16px; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; }
.axis { fill: var(--soft); font-size: 12px; }
.pause { stroke: var(--pending); stroke-width: 2; stroke-dasharray: 3 4; }
.fill-ok { fill: var(--ok); } .fill-skipped { fill: var(--skipped); } .fill-rejected { fill: var(--rejected); } .fill-failed { fill: var(--failed); } .fill-bytes { fill: var(--accent); }
.hover { fill: transparent; } .hover:hover, g:hover > .hover { fill: currentColor; fill-opacity: .07; }
.legend-line .fill { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 10px; border-radius: 3px; background: var(--tone); } .legend-line .fill:first-child { margin-left: 0; }

.details div { display: grid; grid-template-columns: minmax(110px, 220px) 1fr; gap: 4px 24px; padding: 10px 24px; border-top: 1px solid var(--line); align-items: baseline; }
.details div:first-child { border-top: 0; }
.details dt { font-size: 15px; } .details small { display: block; }
footer { padding-top: 56px; padding-bottom: 56px; color: var(--soft); font-size: 14px; }

@media screen and (max-width: 720px) {
  main, footer { padding-left: 18px; padding-right: 18px; }
  .hero { padding-top: 32px; } h1 { margin-top: 22px; }
  .identity { display: grid; grid-template-columns: auto 1fr auto 1fr; gap: 22px 10px; margin-top: 32px; }
  .term.listed { grid-column: 1 / -1; } .term.listed dd { font-size: 54px; }
  .sign { align-self: start; line-height: 34px; width: 20px; } .term dt { margin-top: 6px; }
  section { margin-top: 56px; }
  .next div, .details div { grid-template-columns: 1fr; padding: 12px 18px; }
  .card, .panel { padding-left: 18px; padding-right: 18px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; } .tile figcaption { padding: 10px 12px 12px; }
  .tile .uri { font-size: 14px; } .excerpt { padding: 12px; font-size: 13px; line-height: 1.5; }
  .axis { font-size: 17px; } .chart { margin-top: 6px; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --shade: none; }
  body { zoom: .72; } main, footer { max-width: none; padding: 0; }
  .hero { padding-top: 0; } section { margin-top: 32px; } .toggle { display: none; }
  .tiles { grid-template-columns: repeat(4, 1fr); } .cards { grid-template-columns: 1fr 1fr; } .card, .tile, .panel, .next div { break-inside: avoid; }
  h2 { break-after: avoid; } * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
