"""The report's Jinja template; in a module, so that the code digest of the report covers it."""

TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>
:root { --ink: #1b1f24; --soft: #5f6670; --line: #e1e4e8; --wash: #f6f7f8; --link: #0b5c97; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: #fff; font: 16.5px/1.6 Charter, "Bitstream Charter", "Iowan Old Style",
  "Palatino Linotype", Georgia, "Liberation Serif", serif; overflow-wrap: break-word; }
main, header, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 4rem; }
h1, h2, h3, nav, table, figcaption, .meta, .tally, summary, .links, dt, .badge, footer
  { font-family: system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 2rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; margin: .3rem 0 1rem; }
h2 { font-size: 1.4rem; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; margin: 0 0 .4rem; }
h3 { font-size: 1rem; font-weight: 650; margin: 2.2rem 0 .6rem; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
.lead { font-size: 1.1rem; color: #363c44; }
.meta { color: var(--soft); font-size: .82rem; }
.tally { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.8rem 0 .5rem; padding: 0; list-style: none; }
.tally li { flex: 1 1 9rem; border-top: 3px solid var(--c); background: var(--wash); padding: .7rem .9rem; font-size: .88rem; }
.tally b { display: block; font-size: 1.7rem; line-height: 1.15; font-weight: 600; }
.supported { --c: #00724f; } .contradicted { --c: #b24a00; } .undetermined { --c: #5f6670; }
.badge { display: inline-block; color: var(--c); font-weight: 600; font-size: .82rem; white-space: nowrap; margin-right: .5rem; }
.badge::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .4em; border-radius: 50%;
  background: var(--c); }
.contradicted.badge::before { border-radius: 0; }
.undetermined.badge::before { background: none; border: 2px solid var(--c); }
nav { margin: 2rem 0 0; font-size: .92rem; }
nav ol { margin: 0; padding: 0; list-style: none; border-top: 1px solid var(--line); }
nav li { display: flex; gap: 1rem; justify-content: space-between; border-bottom: 1px solid var(--line); padding: .4rem 0; }
nav li .meta { text-align: right; flex: 0 1 auto; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
section { margin-top: 4.5rem; padding-top: 1.6rem; border-top: 1px solid var(--ink); }
.question { font-size: 1.1rem; font-style: italic; margin: .4rem 0 .8rem; }
figure { margin: 2.2rem 0; }
.canvas { overflow-x: auto; }
.canvas svg { display: block; overflow: visible; max-width: 100%; min-width: 34rem; height: auto; margin: 0 auto; }
figcaption { font-size: .86rem; line-height: 1.5; color: #363c44; margin-top: .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
.links { font-size: .8rem; color: var(--soft); white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .84rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--ink); padding: .35rem .8rem .35rem 0; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: .5rem .8rem .5rem 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
.claims { min-width: 39rem; } .claims td:first-child { min-width: 13rem; } .claims .meta { font-size: .78rem; margin-top: .15rem; }
td.num, span.num { white-space: nowrap; }
details { margin: 1.2rem 0; } summary { cursor: pointer; font-size: .9rem; font-weight: 600; padding: .2rem 0; }
dl { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: .5rem 1rem; font-size: .9rem; }
dt { color: var(--soft); font-size: .84rem; } dd { margin: 0; }
pre { background: var(--wash); padding: .9rem 1rem; overflow-x: auto; font-size: .84rem; line-height: 1.5; }
footer { color: var(--soft); font-size: .82rem; margin-top: 4rem; padding-bottom: 3rem; }
@media (max-width: 36rem) { header { padding-top: 2rem; } h1 { font-size: 1.6rem; } dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .6rem; } nav li { display: block; } nav li .meta { text-align: left; } }
@media print { body { font-size: 10.5pt; } main, header, footer { max-width: none; } nav, .links { display: none; }
  section { break-before: page; border-top: 0; } figure, tr { break-inside: avoid; } a { color: inherit; text-decoration: none; }
  .canvas svg { min-width: 0; } .claims { min-width: 0; } }
</style>
</head>
<body>
<header>
<p class="meta">batchlab · campaign {{ campaign }}</p>
<h1>{{ title }}</h1>
<p class="lead">{{ summary }}</p>
{% if count %}
<ul class="tally" aria-label="Claims by verdict">
{% for name, claims in verdicts %}
<li class="{{ name }}"><b>{{ claims | length }}</b> of {{ count }} claims {{ name }}</li>
{% endfor %}
</ul>
{% for name, claims in verdicts if claims %}
<p class="meta">{{ name | capitalize }}: {% for claim in claims %}<a href="#{{ claim.anchor }}" title="{{ claim.statement }}">{{ claim.name | replace("_", " ") }}</a>{{ ", " if not loop.last }}{% endfor %}.</p>
{% endfor %}
{% endif %}
<nav aria-label="Studies">
<ol>
{% for study in studies %}
<li><a href="#{{ study.name }}">{{ study.title }}</a> <span class="meta">{{ study.verdict }}</span></li>
{% endfor %}
<li><a href="#computed">How this was computed</a></li>
</ol>
</nav>
</header>
<main>
{% for study in studies %}
<section id="{{ study.name }}">
<p class="meta">{{ study.experiments | join(", ") }}{{ " · " if study.experiments }}study {{ study.name }}</p>
<h2>{{ study.title }}</h2>
<p class="question">{{ study.question }}</p>
{% if study.claims %}
<p>Of {{ study.claims | length }} published claim{{ "s" if study.claims | length > 1 }}:
{% for name, number in study.counts.items() if number %}<span class="badge {{ name }}">{{ number }} {{ name }}</span> {% endfor %}</p>
{% endif %}
{% if study.note %}
<p>{{ study.note }}</p>
{% endif %}
{% for figure in study.figures %}
<figure id="{{ figure.anchor }}">
<div class="canvas" tabindex="0" role="region" aria-label="{{ figure.title }}">{{ figure.svg }}</div>
<figcaption><b>Figure {{ figure.number }}.</b> {{ figure.caption }}
<span class="links">{% for text, link in figure.links %}<a href="{{ link }}">{{ text }}</a>{{ " · " if not loop.last }}{% endfor %}</span></figcaption>
</figure>
{% endfor %}
{% if study.claims %}
<h3>Published and measured</h3>
<div class="scroll">
<table class="claims">
<thead><tr><th>Claim</th><th>Published</th><th>Measured</th><th>95 % interval</th><th>n</th><th>Verdict</th></tr></thead>
<tbody>
{% for claim in study.claims %}
<tr id="{{ claim.anchor }}">
<td>{{ claim.statement }}<div class="meta">{{ claim.source }}{% if claim.figure in study.known %} · <a href="#{{ study.name }}-{{ claim.figure }}">figure {{ study.known[claim.figure] }}</a>{% endif %}</div></td>
<td>{{ claim.published }}</td>
<td>{{ claim.measured }}</td>
<td><span class="num">{{ claim.interval }}</span>{% if claim.expected %}<div class="meta">expected {{ claim.expected }}</div>{% endif %}</td>
<td>{{ claim.n }}</td>
<td><span class="badge {{ claim.verdict }}">{{ claim.verdict }}</span>{% if claim.note %}<div class="meta">{{ claim.note }}</div>{% endif %}</td>
</tr>
{% endfor %}
</tbody>
</table>
</div>
{% endif %}
{% if study.comparisons %}
<details>
<summary>Comparisons of all arms with the reference ({{ study.comparisons | length }})</summary>
<div class="scroll">
<table>
<thead><tr><th>Metric</th><th>Arm</th><th>Reference</th><th>Difference</th><th>95 % interval</th><th>n</th><th>p (Holm)</th><th>Effect size</th><th>Verdict</th></tr></thead>
<tbody>
{% for row in study.comparisons %}
<tr><td>{{ row.metric }}</td><td>{{ row.arm }}</td><td>{{ row.reference }}</td><td class="num">{{ row.difference }}</td><td class="num">{{ row.interval }}</td><td>{{ row.n }}</td><td class="num">{{ row.p }}</td><td class="num">{{ row.effect }}</td><td>{{ row.verdict }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</details>
{% endif %}
{% if study.arms %}
<details>
<summary>Arms ({{ study.arms | length }})</summary>
<div class="scroll">
<table>
<thead><tr><th>Arm</th><th>Label</th><th>Model</th><th>Optimizer</th><th>Learning rate</th><th>Phases</th></tr></thead>
<tbody>
{% for row in study.arms %}
<tr><td>{{ row.arm }}</td><td>{{ row.label }}</td><td>{{ row.model }}</td><td>{{ row.optimizer }}</td><td class="num">{{ row.rate }}</td><td>{{ row.phases }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</details>
{% endif %}
{% if study.tables %}
<p class="meta">Tables: {% for table in study.tables %}<a href="{{ table.link }}">{{ table.name }}</a>{{ ", " if not loop.last }}{% endfor %}{% if study.identity %} · identity {{ study.identity[:10] }}{% endif %}</p>
{% endif %}
</section>
{% endfor %}
<section id="computed">
<h2>How this was computed</h2>
<p>Accuracy and loss are evaluated at fixed weights after each epoch. Every value is a mean over seeds; intervals are two-sided
95 % Student intervals over seeds. A claim is supported if its interval lies inside the region that the claim expects,
contradicted if it lies outside, and undetermined otherwise. Runs that diverged are counted, never averaged.</p>
<dl>
{% for name, lines in settings %}
<dt>{{ name }}</dt><dd>{% for line in lines %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</dd>
{% endfor %}
{% for name, value in provenance %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
<h3>To compute it again</h3>
<pre><code>snakemake --configfile config/{{ campaign }}.yaml
snakemake {{ studies[0].name if studies else "" }} --configfile config/{{ campaign }}.yaml   # one study</code></pre>
</section>
</main>
<footer><p>Numbers and figures of this page are in the files linked beside them; the settings and digests of each file are in the
<code>.provenance.json</code> next to it.</p></footer>
</body>
</html>
"""  # noqa: E501 - lines of HTML
