"""How a report looks as HTML: light or dark as the reader has it, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fdfcf9; --ink: #1f2328; --soft: #5b636d; --line: #d9d6cd; --band: #f3f1ea;
  --accent: #23527c; --created: #b9c4cf; --edits: #23527c;
  --gone: #8c2318; --gone-band: #fbe9e6; --new: #1d5c34; --new-band: #e4f3e8;
  --alarm: #9a5b00; --alarm-band: #fdf3e0;
  --serif: "Iowan Old Style", Charter, "Palatino Linotype", Palatino, Georgia,
    "Noto Serif CJK SC", "Songti SC", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC",
    "PingFang SC", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e4e2dc; --soft: #a2a8b0; --line: #353a40; --band: #1f2226;
    --accent: #8fbbe3; --created: #56616d; --edits: #7eb0dc;
    --gone: #f0a096; --gone-band: #3a1f1c; --new: #93d3a8; --new-band: #173323;
    --alarm: #f0bd6a; --alarm-band: #33270f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 5rem; max-width: 62rem;
  background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 var(--serif); overflow-wrap: break-word;
}
header { border-bottom: 3px double var(--line); padding-bottom: 1.25rem; }
.kind {
  margin: 0 0 .4rem; color: var(--soft); font: 600 .8rem/1.4 var(--sans);
  letter-spacing: .09em; text-transform: uppercase;
}
h1 { margin: 0 0 1rem; font-size: 2rem; line-height: 1.25; font-weight: 600; }
h2 { margin: 0 0 .9rem; font-size: 1.35rem; line-height: 1.3; font-weight: 600; }
h3 { margin: 0 0 .6rem; font-size: 1.1rem; font-weight: 600; }
section { margin-top: 2.75rem; scroll-margin-top: 1rem; }
section section { margin-top: 1.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
p { margin: 0 0 1rem; max-width: 44rem; }
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; }
nav { margin-top: 1.5rem; font: .92rem/1.5 var(--sans); }
nav ol { margin: 0; padding-left: 1.6rem; columns: 17rem 3; column-gap: 2rem; }
nav li { break-inside: avoid; margin: 0; padding: .15rem 0; color: var(--soft); }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
code { font: .86em/1.5 var(--mono); overflow-wrap: anywhere; }
dl { margin: 0 0 1.25rem; }
dt { color: var(--soft); font: .88rem/1.5 var(--sans); }
dd { margin: 0; }
dl div { display: grid; grid-template-columns: 12.5rem minmax(0, 1fr); gap: 0 1.25rem; }
dl div { padding: .32rem 0; border-top: 1px solid var(--line); align-items: baseline; }
dl div:first-child { border-top: 0; }
.lead { margin: 0; font-size: .97rem; }
.lead div { padding: .08rem 0; border: 0; grid-template-columns: 7.5rem minmax(0, 1fr); }
.counts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr));
  gap: .6rem;
}
.counts div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.counts div, .counts div:first-child { padding: .7rem .9rem .8rem; border: 1px solid var(--line); }
.counts dt { line-height: 1.35; }
.counts dd { font-size: 1.65rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
ul { margin: 0 0 1rem; padding-left: 1.2rem; max-width: 46rem; }
li { margin: .3rem 0; }
.wide, .narrow { margin: 0 0 1.25rem; overflow-x: auto; }
.narrow { max-width: 24rem; }
table { width: 100%; border-collapse: collapse; font: .88rem/1.45 var(--sans); }
caption { padding: 0 0 .5rem; color: var(--soft); text-align: left; }
th, td { padding: .42rem .9rem .42rem 0; text-align: left; vertical-align: top; }
th { border-bottom: 1.5px solid var(--ink); font-weight: 600; white-space: nowrap; }
td { border-bottom: 1px solid var(--line); min-width: 4.5rem; overflow-wrap: anywhere; }
td:last-child, th:last-child { padding-right: 0; }
.wide td:last-child { min-width: 15rem; }
tbody tr:nth-child(even) { background: var(--band); }
.number { min-width: 3rem; text-align: right; font-variant-numeric: tabular-nums; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td code { white-space: nowrap; }
del { color: var(--gone); background: var(--gone-band); text-decoration-thickness: 1px; }
ins { color: var(--new); background: var(--new-band); text-decoration-thickness: 1px; }
del, ins { padding: 0 .1em; border-radius: 2px; text-underline-offset: .15em; }
.mark {
  padding: .05em .45em; border: 1px solid var(--line); border-radius: 1em;
  color: var(--soft); font: .78rem/1.4 var(--sans); white-space: nowrap;
}
.alarm {
  padding: .75rem 1rem; border-left: 4px solid var(--alarm);
  background: var(--alarm-band); max-width: none;
}
figure { margin: 0 0 1.25rem; }
figcaption { margin-bottom: .6rem; color: var(--soft); font: .88rem/1.5 var(--sans); }
.key { margin-left: 1rem; white-space: nowrap; }
.key::before {
  content: ""; display: inline-block; width: .75em; height: .75em; margin-right: .4em;
}
.key.created::before { background: var(--created); }
.key.edits::before { background: var(--edits); }
.chart { display: block; width: 100%; height: auto; font: 11px var(--sans); }
.chart text { fill: var(--soft); }
.chart .x { text-anchor: middle; }
.chart .y { text-anchor: end; }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .created { fill: var(--created); }
.chart .edits { fill: var(--edits); }
details { margin-top: .75rem; font: .9rem/1.5 var(--sans); }
summary { color: var(--accent); cursor: pointer; }
details .narrow { margin-top: .5rem; }
@media (max-width: 40rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.55rem; }
  dl div, .lead div { grid-template-columns: 1fr; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --band: #f5f5f5; --accent: #000;
    --created: #bbb; --edits: #333; --gone: #000; --gone-band: #fff; --new: #000;
    --new-band: #eee; --alarm: #000; --alarm-band: #fff;
  }
  @page { margin: 18mm 16mm; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  section { margin-top: 1.75rem; }
  h2, h3, caption, thead { break-after: avoid; }
  tr, dl div, figure, .alarm { break-inside: avoid; }
  .wide { overflow: visible; }
  td code { white-space: normal; }
  td, .wide td:last-child { min-width: 0; }
  nav, details { display: none; }
  main a[href^="http"]::after { content: " <" attr(href) ">"; font-size: .85em; }
}
"""
