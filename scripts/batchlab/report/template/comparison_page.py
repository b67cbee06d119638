"""The page that lays campaigns side by side."""

COMPARISON = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ campaigns | map(attribute="name") | join(" and ") }} side by side</title>
<link rel="icon" href="data:,">
<style>
{% include "style" %}
main.wide { max-width: 80rem; margin: 0 auto; padding: 1.2rem 1.25rem; }
.compare { table-layout: fixed; } .compare th:first-child { width: 15rem; } .compare tbody th { font-weight: 400; color: var(--ink); border-bottom-color: var(--line); vertical-align: top; }
.compare tr.differs td, .compare tr.differs th { background: var(--wash); } .compare .group th { font-weight: 600; padding-top: 1rem; }
.compare .value { font-weight: 600; } .scroll.side table { min-width: calc(15rem + 16rem * {{ campaigns | length }}); }
</style>
</head>
<body id="top">
<a class="skip" href="#claims">Skip to the claims</a>
<main class="wide">
<h1>{{ campaigns | map(attribute="name") | join(" and ") }}, side by side</h1>
<p class="lead">{% for campaign in campaigns %}<a href="{{ campaign.link }}">{{ campaign.name }}</a>: {{ campaign.title }}{{ ". " }}{% endfor %}</p>
<section id="answer" class="opening">
<h2>In short</h2>
<ul>
<li>{{ shared }} claim{{ "s are" if shared != 1 else " is" }} in {{ "both" if campaigns | length == 2 else "all" }} campaigns; {{ agreeing }} {{ "have" if agreeing != 1 else "has" }} the same verdict in {{ "both" if campaigns | length == 2 else "all" }}.</li>
{% for campaign in campaigns %}{% for best in campaign.best %}
<li><span class="of">{{ campaign.name }}:</span> {{ best.sentences | first }}.</li>
{% endfor %}{% endfor %}
<li>{% if apart %}Measured effects differ clearly in {{ apart | length }} of the {{ shared }}: {% for row in apart %}<a href="#{{ row.anchor }}">{{ row.name }}</a>{{ ", " if not loop.last else "." }}{% endfor %}{% else %}No measured effect differs clearly.{% endif %}</li>
</ul>
<p class="meta">Differences are those to {{ campaigns[0].name }}, with 95 % intervals as of independent samples (Welch), from the means, intervals and seeds of both;
ratios are compared as ratios. A difference is called clear if its interval excludes 0 (for ratios, 1); that is not adjusted for the number of claims. Campaigns that differ in
more than one respect do not say which of them made the difference.</p>
</section>
<section id="matrix">
<h2>Verdicts, claim by claim</h2>
<p class="meta">Claims that count and that two or more of the campaigns have. All claims: {% for ending, file in matrix %}<a href="{{ file }}">{{ "numbers (CSV)" if ending == ".csv" else "SVG" }}</a>{{ ", " if not loop.last else "." }}{% endfor %}</p>
{% if picture %}
<div class="scroll side canvas" tabindex="0" role="region" aria-label="Verdicts of all campaigns">{{ picture }}</div>
{% else %}
<p>No claim that counts is in two of them.</p>
{% endif %}
</section>
<section id="settings">
<h2>What the campaigns are made of</h2>
<p class="meta">Rows in which they differ are shaded.</p>
<div class="scroll side" tabindex="0" role="region" aria-label="What the campaigns are made of">
<table class="compare">
<thead><tr><th scope="col">Setting</th>{% for campaign in campaigns %}<th scope="col">{{ campaign.name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for name, texts, differs in facts %}
<tr class="{{ 'differs' if differs }}"><th scope="row">{{ name }}</th>{% for text in texts %}<td>{{ text }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
</div>
</section>
<section id="claims">
<h2>Claims</h2>
<p class="meta key">All pictures of a row have one scale: <span class="sample region"></span> what would support the claim, <span class="sample none"></span> no effect,
<span class="sample bar"></span> estimate with its interval, of 95 % where the campaign's page says nothing else.</p>
<div class="scroll side" tabindex="0" role="region" aria-label="Claims of all campaigns">
<table class="compare">
<thead><tr><th scope="col">Claim</th>{% for campaign in campaigns %}<th scope="col">{{ campaign.name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for title, rows in studies %}
<tr class="group"><th colspan="{{ campaigns | length + 1 }}" scope="colgroup">{{ title }}</th></tr>
{% for row in rows %}
<tr id="{{ row.anchor }}"><th scope="row">{{ row.name }}</th>
{% for cell in row.cells %}
<td>{% if cell %}{{ cell.strip }}<div>{{ cell.finding or cell.statement }}</div>
<div class="value">{{ cell.told }}</div><span class="badge {{ cell.kind }}">{{ cell.verdict }}</span>{% if cell.standing != "evidence" %}<span class="meta">{{ cell.standing }}</span>{% endif %}
{% if cell.apart %}<div class="meta">{{ "clearly different: " if cell.apart.clear else "difference: " }}{{ cell.apart.told }}</div>{% endif %}{% else %}<span class="meta">no such claim</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
{% endfor %}
</tbody>
</table>
</div>
</section>
</main>
</body>
</html>
"""  # noqa: E501 - lines of HTML
