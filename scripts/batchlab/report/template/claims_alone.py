"""All claims of a campaign in one table that stands by itself, without a link to another file of the campaign."""

CLAIMS_ALONE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Claims of the campaign {{ campaign }}</title>
<link rel="icon" href="data:,">
<style>
{% include "style" %}
main.wide { max-width: 80rem; margin: 0 auto; padding: 1.2rem 1.25rem; }
</style>
</head>
<body>
<main class="wide">
<h1>Claims: {{ title }}</h1>
{% include "tally" %}
<table class="claims" role="table">
<thead role="rowgroup"><tr role="row">{% for name in ("Claim", "Published", "Measured", tally.levels ~ " interval", "n", "Verdict") %}<th role="columnheader" scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody role="rowgroup">
{% for study in studies if study.claims %}
<tr role="row" class="group"><th role="rowheader" colspan="6" scope="colgroup">{{ study.title }}</th></tr>
{% for claim in study.claims %}
<tr role="row" id="{{ claim.anchor }}">
<td role="cell">{{ claim.statement }}<div class="meta">{{ claim.source }}</div>{% if claim.finding %}<div class="meta">Found: {{ claim.finding }}.</div>{% endif %}</td>
<td role="cell" data-label="Published">{{ claim.published }}</td>
<td role="cell" data-label="Measured">{{ claim.measured }}</td>
<td role="cell" data-label="{{ claim.level }} interval"><span>{{ claim.interval }}{{ " " ~ claim.unit if claim.unit and claim.interval not in ("–", "exact") }}</span>{% if claim.expected %}<div class="meta">expected {{ claim.expected }}</div>{% endif %}</td>
<td role="cell" data-label="n">{{ claim.n }}</td>
<td role="cell" data-label="Verdict"><span class="badge {{ claim.kind }}">{{ claim.verdict }}</span>{% if claim.judged %}<div class="meta">{{ claim.judged }}</div>{% endif %}{% if claim.standing != "evidence" %}<div class="meta">{{ claim.standing }}, not counted</div>{% endif %}</td>
</tr>
{% endfor %}
{% endfor %}
</tbody>
</table>
</main>
</body>
</html>
"""  # noqa: E501 - lines of HTML
