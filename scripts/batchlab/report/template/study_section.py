"""One study: question, answer, figures, claims, and its tables folded away."""

STUDY = """\
{% import "figure" as drawn %}
<section id="{{ study.name }}" class="study">
<h2>{{ study.title }} {{ drawn.anchor(study.name, study.title) }}</h2>
<p class="question">{{ study.question }}</p>
{% for claim in study.claims if claim.name in study.answer and claim.finding %}
<p class="finding">{{ claim.finding }}. <a href="#{{ claim.anchor }}" class="more" aria-label="Claim {{ claim.study }}/{{ claim.name }}">claim</a></p>
{% endfor %}
{% if study.verdicts %}
<p>Published claims: {% for name, number in study.verdicts.items() %}<span class="badge {{ name }}">{{ number }} {{ name }}</span> {% endfor %}</p>
{% endif %}
{% if study.note %}
<p>{{ study.note }}</p>
{% endif %}
{% for figure in study.figures %}
{{ drawn.figure(figure) }}
{% endfor %}
{% if study.claims %}
{% include "claims" %}
{% endif %}
{% if study.failures %}
<p class="meta">Counted, not averaged: {{ study.failures | join("; ") }}.</p>
{% endif %}
{% if study.comparisons %}
<details>
<summary>Comparisons of all arms with the reference ({{ study.comparisons | length }})</summary>
<div class="scroll" data-name="Comparisons: {{ study.title }}">
<table>
<thead><tr><th scope="col">Metric</th><th scope="col">Arm</th><th scope="col">Reference</th><th scope="col">Difference</th><th scope="col">95 % interval</th><th scope="col">n</th><th scope="col">p (Holm)</th><th scope="col">Effect size</th><th scope="col">Verdict</th></tr></thead>
<tbody>
{% for row in study.comparisons %}
<tr><td>{{ row.metric }}</td><td>{{ row.arm }}</td><td>{{ row.reference }}</td><td class="num">{{ row.difference }}</td><td class="num">{{ row.interval }}</td><td>{{ row.n }}</td><td class="num">{{ row.p }}</td><td class="num">{{ row.effect }}</td><td>{{ row.verdict }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
<p class="meta">Differences are arm − reference, paired by seed; p is adjusted by Holm’s method over all comparisons of a metric in this study; effect size is Hedges’ g.</p>
</details>
{% endif %}
{% if study.arms %}
<details>
<summary>Arms ({{ study.arms | length }})</summary>
<div class="scroll" data-name="Arms: {{ study.title }}">
<table>
<thead><tr><th scope="col">Arm</th><th scope="col">Label</th><th scope="col">Model</th><th scope="col">Optimizer</th><th scope="col">Learning rate</th><th scope="col">Phases</th></tr></thead>
<tbody>
{% for row in study.arms %}
<tr><td>{{ row.arm }}</td><td>{{ row.label }}</td><td>{{ row.model }}</td><td>{{ row.optimizer }}</td><td class="num">{{ row.rate }}</td><td>{{ row.phases }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</details>
{% endif %}
<p class="meta">{% if study.tables %}Tables: {% for table in study.tables %}<a href="{{ table.link }}">{{ table.name }}</a>{{ ", " if not loop.last }}{% endfor %}{% if study.identity %} · identity of all runs {{ study.identity[:10] }}{% endif %} · {% endif %}<a href="#top">Back to the top</a></p>
</section>
"""  # noqa: E501 - lines of HTML
