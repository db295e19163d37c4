"""How pages look: light or dark as the reader has it, narrow or wide, and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fdfcf9; --ink: #1f2328; --soft: #5b636d; --line: #d9d6cd; --band: #f3f1ea;
  --accent: #23527c; --gone: #8c2318; --gone-band: #fbe9e6; --new: #1d5c34; --new-band: #e4f3e8;
  --alarm: #9a5b00; --alarm-band: #fdf3e0;
  --serif: "Iowan Old Style", Charter, "Palatino Linotype", Palatino, Georgia,
    "Noto Serif CJK SC", "Songti SC", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC",
    "PingFang SC", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --ink: #e4e2dc; --soft: #a2a8b0; --line: #353a40; --band: #1f2226;
    --accent: #8fbbe3; --gone: #f0a096; --gone-band: #3a1f1c; --new: #93d3a8;
    --new-band: #173323; --alarm: #f0bd6a; --alarm-band: #33270f;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 1.5rem 4rem; max-width: 46rem;
  background: var(--paper); color: var(--ink);
  font: 1.125rem/1.62 var(--serif); overflow-wrap: anywhere;
}
.top {
  display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; align-items: baseline;
  padding: 1.6rem 0 .7rem; margin-bottom: 2.2rem; border-bottom: 3px double var(--line);
  font: .95rem/1.5 var(--sans);
}
.top .title { margin: 0; margin-inline-end: auto; font: 700 1.5rem/1.2 var(--serif); }
.top .title a, .teaser h2 a, .teaser h3 a { color: var(--ink); }
a { color: var(--accent); text-underline-offset: .16em; text-decoration-thickness: 1px; }
.top a, .teaser h2 a, .teaser h3 a, .bottom a, h2 a { text-decoration: none; }
.top a:hover, .teaser h2 a:hover, .teaser h3 a:hover, .bottom a:hover, h2 a:hover {
  text-decoration: underline;
}
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
h1 {
  margin: 0 0 .7rem; font-size: 2.15rem; line-height: 1.22; font-weight: 700;
  text-wrap: balance;
}
h2 {
  margin: 0 0 .8rem; padding-top: .5rem; border-top: 1px solid var(--ink);
  font: 700 .88rem/1.5 var(--sans); letter-spacing: .05em;
}
h3 { margin: 0 0 .3rem; font: 600 .92rem/1.5 var(--sans); }
p { margin: 0 0 1rem; }
section { margin-top: 2.4rem; scroll-margin-top: 1rem; }
.topic {
  margin: 0 0 .35rem; color: var(--accent); font: 600 .85rem/1.4 var(--sans);
  letter-spacing: .04em;
}
.times, .said { color: var(--soft); font: .88rem/1.5 var(--sans); }
.said a { color: inherit; }
.times { margin: 0 0 1.6rem; }
time { font-variant-numeric: tabular-nums; white-space: nowrap; }
.summary { font-size: 1.22rem; line-height: 1.6; }
ol, ul { margin: 0 0 1rem; padding-inline-start: 1.7rem; }
li { margin: .45rem 0; }
li::marker { color: var(--soft); font: .88rem var(--sans); font-variant-numeric: tabular-nums; }
li > .said { display: block; }
.contexts { padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .45rem; }
.contexts li {
  margin: 0; padding: .12rem .7rem; border: 1px solid var(--line); border-radius: 1em;
  font: .9rem/1.5 var(--sans); max-width: 100%;
}
.contexts a { text-decoration: none; }
.contexts .said { display: inline; margin-inline-start: .25rem; }
.notice {
  margin: 0 0 1.2rem; padding: .7rem 1rem; border-inline-start: 4px solid var(--accent);
  background: var(--band); font: .95rem/1.5 var(--sans);
}
.notice p { margin: 0; }
.alarm { border-color: var(--alarm); background: var(--alarm-band); }
.note { margin: 0 0 1rem; padding-inline-start: 1rem; border-inline-start: 4px solid var(--line); }
.note p { margin: 0; }
.mark {
  padding: .1em .55em; border: 1px solid var(--alarm); border-radius: 1em; color: var(--alarm);
  font: 500 .78rem/1.4 var(--sans); white-space: nowrap; vertical-align: .12em;
}
a[aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
details { margin: .35rem 0; font: .9rem/1.55 var(--sans); }
summary { color: var(--accent); cursor: pointer; }
details [id] { scroll-margin-top: 7rem; }
.history { margin-top: 1.2rem; }
.history > ol { margin-top: .8rem; padding-inline-start: 0; list-style: none; }
.history > ol > li { padding: .55rem 0; margin: 0; border-top: 1px solid var(--line); }
.diff { margin: .5rem 0 .6rem; padding: .6rem .9rem; background: var(--band); }
.diff div { padding: .25rem 0; }
.diff dt { color: var(--soft); font: .82rem/1.5 var(--sans); }
.diff dd { margin: 0; font: 1rem/1.6 var(--serif); }
del { color: var(--gone); background: var(--gone-band); text-decoration-thickness: 1px; }
ins { color: var(--new); background: var(--new-band); text-decoration-thickness: 1px; }
del, ins { padding: 0 .1em; border-radius: 2px; text-underline-offset: .16em; }
.teaser { padding: 1.1rem 0; border-top: 1px solid var(--line); }
main > section:first-child { margin-top: 0; }
main > section:first-child h2 { border-top: 0; padding-top: 0; }
h1 + .teaser { border-top: 1px solid var(--ink); margin-top: 1.4rem; }
h2 + .teaser { border-top: 0; padding-top: .2rem; }
.teaser h2, .teaser h3 {
  margin: 0 0 .35rem; padding: 0; border: 0; letter-spacing: 0;
  font: 600 1.28rem/1.35 var(--serif);
}
.teaser p { margin: 0; }
.teaser .topic { margin: 0 0 .25rem; }
.day { display: flex; flex-wrap: wrap; gap: 0 .8rem; align-items: baseline; font-size: 1rem; }
.days {
  display: flex; justify-content: space-between; gap: 1rem; margin-top: 1.6rem;
  padding-top: .8rem; border-top: 1px solid var(--ink); font: .95rem/1.5 var(--sans);
}
.days [rel="next"] { margin-inline-start: auto; }
.bottom {
  margin-top: 3.2rem; padding-top: .9rem; border-top: 3px double var(--line);
  color: var(--soft); font: .9rem/1.6 var(--sans);
}
.bottom ul {
  display: flex; flex-wrap: wrap; gap: 0 1.2rem; margin: 0; padding: 0; list-style: none;
}
.bottom li { margin: 0; }
code { font-size: .88em; }
@media (max-width: 36rem) {
  body { padding: 0 1.05rem 3rem; font-size: 1.06rem; }
  .top { padding-top: 1.1rem; margin-bottom: 1.5rem; }
  h1 { font-size: 1.6rem; }
  .summary { font-size: 1.12rem; }
  .teaser h2, .teaser h3 { font-size: 1.15rem; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --band: #fff; --accent: #000;
    --gone: #000; --gone-band: #fff; --new: #000; --new-band: #eee; --alarm: #000;
    --alarm-band: #fff;
  }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  .top nav, .days, .bottom { display: none; }
}
"""
