"""The look of the page: on a desk, on a telephone, in the dark and on paper."""

STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --body: #363c44; --soft: #5b626c; --line: #dfe3e7; --wash: #f5f6f8; --ground: #fff;
  --link: #0b5c97; --good: #00694a; --bad: #a84300; --open: #5b626c; --shade: #cfe6dc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --body: #cdd2d8; --soft: #a2a9b3; --line: #343a42; --wash: #1e2227;
  --ground: #14171a; --link: #7cbcf0; --good: #4cc79a; --bad: #f0965a; --open: #a2a9b3; --shade: #1f4a3b; }
  .canvas svg { filter: invert(1) hue-rotate(180deg); } .canvas.live { background: #fff; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
body { margin: 0; color: var(--ink); background: var(--ground); font: 16.5px/1.55 Charter, "Bitstream Charter", "Iowan Old Style",
  "Palatino Linotype", Georgia, "Liberation Serif", serif; overflow-wrap: break-word; }
h1, h2, h3, nav, table, figcaption, .meta, .badge, .more, summary, dt, footer, .answers, .advice, .canvas
  { font-family: system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
.page { display: grid; grid-template-columns: 17rem minmax(0, 50rem); gap: 3rem; max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
.contents { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.4rem .5rem 2rem 0; font-size: .84rem; }
.contents ol, .contents ul { list-style: none; margin: .6rem 0 0; padding: 0; }
.contents li { display: flex; gap: .6rem; justify-content: space-between; padding: .22rem 0; }
.contents li.first { border-top: 1px solid var(--line); margin-top: .4rem; padding-top: .6rem; }
.contents a { text-decoration: none; } .contents a:hover, .contents a[aria-current] { text-decoration: underline; }
.contents a[aria-current] { color: var(--ink); font-weight: 600; }
.contents summary { font-weight: 600; }
.search { margin: .5rem 0; } .search label { position: absolute; clip-path: inset(50%); }
.search input { width: 100%; font: inherit; color: inherit; background: var(--wash); border: 1px solid var(--soft); border-radius: 4px; padding: .35rem .5rem; }
#found { border-left: 3px solid var(--line); padding-left: .6rem; }
.dots { flex: none; white-space: nowrap; line-height: 1.2; padding-top: .25em; }
.dots i { display: inline-block; width: .55em; height: .55em; border-radius: 50%; margin-left: .15em; background: var(--good); }
.dots .dot-contradicted { background: var(--bad); border-radius: 0; }
.dots .dot-undetermined { background: none; border: 2px solid var(--open); }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: .5rem; background: var(--ground); padding: .4rem .8rem; z-index: 2; }
figure { position: relative; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
main { padding-top: 1.2rem; }
h1 { font-size: 1.55rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; margin: 0 0 .35rem; }
h2 { font-size: 1.3rem; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; margin: 0 0 .4rem; }
h3 { font-size: 1rem; line-height: 1.35; font-weight: 650; margin: 2rem 0 .5rem; }
figure h3 { margin-top: 0; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.anchor { text-decoration: underline dotted; font-weight: 400; color: var(--soft); margin-left: .2em; }
.anchor.copied::after { content: " copied"; font-size: .75rem; }
.lead { color: var(--body); margin: 0 0 .6rem; font-size: .98rem; }
.meta { color: var(--soft); font-size: .82rem; }
.more { font-size: .82rem; white-space: nowrap; }
section { margin-top: 3rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
section.opening { margin-top: .8rem; padding-top: .8rem; }
section.opening figure { margin: 1rem 0 0; }
section.study { border-top-color: var(--ink); margin-top: 4rem; }
.advice { margin: .4rem 0; padding-left: 1.1rem; font-size: .95rem; line-height: 1.45; } .advice li { margin: .2rem 0; } .of { color: var(--soft); }
.answers { font-size: .93rem; } .answers div { margin: 0 0 1rem; } .answers dt { font-weight: 600; color: inherit; font-size: inherit; }
.answers dd { margin: .15rem 0 0 1rem; } .answers, dl.answers { display: block; }
.question { font-style: italic; margin: .4rem 0 .6rem; } .finding { font-weight: 600; margin: .4rem 0; }
.supported { --c: var(--good); } .contradicted { --c: var(--bad); } .undetermined, .not-judged { --c: var(--open); }
.badge { display: inline-block; color: var(--c); font-weight: 600; font-size: .82rem; white-space: nowrap; margin-right: .5rem; }
.badge::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .4em; border-radius: 50%; background: var(--c); }
.contradicted.badge::before { border-radius: 0; }
.undetermined.badge::before, .not-judged.badge::before { background: none; border: 2px solid var(--c); }
.not-judged.badge::before { border-style: dotted; }
figure { margin: 2.2rem 0; }
.canvas { overflow-x: auto; }
.canvas svg { display: block; overflow: visible; max-width: 100%; height: auto; }
.canvas iframe { display: block; width: 100%; border: 0; }
.canvas.wide { border-right: 3px dotted var(--soft); }
.canvas.wide + figcaption::before { content: "Swipe sideways to see all of it. "; color: var(--soft); }
figcaption { font-size: .86rem; line-height: 1.5; color: var(--body); margin-top: .5rem; }
figcaption .name { color: var(--soft); margin-right: .4em; }
.links { font-size: .82rem; color: var(--soft); white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .84rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--ink); padding: .35rem .8rem .35rem 0; vertical-align: bottom; }
td { overflow-wrap: anywhere; border-bottom: 1px solid var(--line); padding: .45rem .8rem .45rem 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
abbr { text-decoration: none; } td.num, span.num { white-space: nowrap; }
.claims .meta { font-size: .78rem; margin-top: .15rem; } .claims td:first-child { width: 32%; }
tr:target, li:target { background: var(--wash); outline: 3px solid var(--wash); }
.forest .group th { padding-top: 1rem; border-bottom-color: var(--line); } .forest .group a { color: var(--soft); }
.forest td { padding-top: .3rem; padding-bottom: .3rem; } .forest td:nth-child(3) { width: 12rem; } .forest td .meta { display: block; line-height: 1.3; }
.forest td a { color: inherit; text-decoration: none; } .forest td a:hover { text-decoration: underline; } .forest .aside td { color: var(--soft); }
.strips { width: 180px; } .strip { display: block; width: 180px; height: 18px; color: var(--c); }
.strip .region { fill: var(--shade); } .strip .none { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 2; }
.strip .bar { stroke: var(--c); stroke-width: 2.5; } .strip .dot { fill: var(--c); }
.sample { display: inline-block; width: 1.6em; height: .8em; vertical-align: -.05em; }
.sample.region { background: var(--shade); } .sample.none { width: 0; margin: 0 .4em; border-left: 1px dashed var(--soft); }
.sample.bar { height: 0; border-top: 2.5px solid var(--open); vertical-align: .25em; }
details { margin: 1.2rem 0; } summary { cursor: pointer; font-size: .9rem; font-weight: 600; padding: .2rem 0; } .contents details { margin: 0; }
dl { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: .4rem 1rem; font-size: .9rem; }
dt { color: var(--soft); font-size: .84rem; } dd { margin: 0; }
.references li { margin: .5rem 0; } .references .meta { display: block; }
pre { background: var(--wash); padding: .9rem 1rem; overflow-x: auto; font-size: .84rem; line-height: 1.5; }
footer { color: var(--soft); font-size: .82rem; margin: 4rem auto 0; padding: 0 1.25rem 3rem; max-width: 72rem; }
@media (max-width: 62rem) { .page { display: block; padding: 0 1rem; } main { max-width: 50rem; margin: 0 auto; }
  .contents { position: static; max-height: none; padding: .8rem 0 0; max-width: 50rem; margin: 0 auto; } }
@media (max-width: 44rem) { dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: .6rem; }
  .canvas svg { max-width: none; } .links { white-space: normal; }
  table.claims, table.forest, .claims tbody, .forest tbody, .claims tr, .forest tr, .claims td, .forest td, .forest th { display: block; width: auto; }
  .claims thead, .forest thead { position: absolute; display: block; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .claims tr { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem; margin: 0 0 .8rem; }
  .claims td { border: 0; padding: .15rem 0; } .claims td:first-child { width: auto; font-size: .92rem; padding-bottom: .4rem; }
  .claims td[data-label] { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); column-gap: .6rem; }
  .claims td[data-label]::before { content: attr(data-label); color: var(--soft); grid-row: 1 / span 5; }
  .claims td[data-label] > * { grid-column: 2; }
  .forest tr { border-bottom: 1px solid var(--line); padding: .35rem 0; } .forest td { border: 0; padding: .1rem 0; } .forest td:nth-child(3) { width: auto; }
  .forest td .meta { display: inline; } .strip { width: 100%; max-width: 20rem; } }
@media print { :root { color-scheme: light; --ground: #fff; --ink: #000; --body: #222; --soft: #555; --line: #ccc; --wash: #f5f6f8; --link: #000;
  --good: #00694a; --bad: #a84300; --open: #555; --shade: #cfe6dc; } .canvas svg { filter: none; }
  body { font-size: 10.5pt; } .page { display: block; max-width: none; padding: 0; } .contents, .anchor, .skip, .key { display: none; }
  section.study { break-before: page; border-top: 0; margin-top: 0; } figure, tr, .answers div, .references li { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; } a { color: inherit; text-decoration: none; } .references a::after { content: ""; } }
"""  # noqa: E501 - lines of CSS
