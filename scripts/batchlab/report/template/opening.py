"""The head of the page: the first answer with its figure, all answers, all claims at a glance, and the limits."""

OPENING = """\
{% import "figure" as drawn %}
<header>
<h1>{{ title }}</h1>
{% if summary %}
<p class="lead">{{ summary }}</p>
{% endif %}
</header>
<section id="answer" class="opening">
<h2>Which batch size, and what about the learning rate? {{ drawn.anchor("answer", "Which batch size") }}</h2>
{% if advice.best or advice.studies %}
<ul class="advice">
{% for best in advice.best %}
<li>{% for sentence in best.sentences %}{% if loop.first %}<b>{{ sentence }}.</b>{% else %} {{ sentence }}.{% endif %}{% endfor %} <a href="#{{ best.study }}" class="more" aria-label="Study {{ best.study }}">study</a></li>
{% endfor %}
{% for study in advice.studies %}
<li><span class="of">{{ study.title }}:</span> {% for claim in study.claims %}{{ claim.finding }} <a href="#{{ claim.anchor }}" class="more" aria-label="Claim {{ claim.study }}/{{ claim.name }}">claim</a>{{ ". " }}{% endfor %}</li>
{% endfor %}
</ul>
{% else %}
<p>No study of this campaign compares batch sizes by a table that ranks them, so the page gives no advice.</p>
{% endif %}
{% if advice.figure %}
{{ drawn.figure(advice.figure, "first") }}
{% endif %}
</section>
<section id="answers">
<h2>All answers {{ drawn.anchor("answers", "All answers") }}</h2>
<dl class="answers">
{% for answer in answers %}
<div>
<dt><a href="#{{ answer.study }}">{{ answer.question }}</a></dt>
{% if answer.findings %}
{% for claim in answer.findings %}
<dd>{{ claim.finding }}. <a href="#{{ claim.anchor }}" class="more" aria-label="Claim {{ claim.study }}/{{ claim.name }}, {{ claim.verdict }}">{{ claim.verdict if claim.standing == "evidence" else claim.standing }}</a></dd>
{% endfor %}
{% elif answer.figures %}
<dd>No claim answers this; see {% for figure in answer.figures %}<a href="#{{ figure.anchor }}">Figure {{ figure.number }}</a>{{ ", " if not loop.last }}{% endfor %}.</dd>
{% else %}
<dd>Its tables say more.</dd>
{% endif %}
</div>
{% endfor %}
</dl>
</section>
{% if statements | selectattr("claims") | list %}
<section id="statements">
<h2>Statements found in public threads {{ drawn.anchor("statements", "Statements found in public threads") }}</h2>
<p class="meta">Beside each stands what this campaign measured.</p>
<dl class="answers">
{% for given in statements if given.claims %}
<div>
<dt>“{{ given.statement }}”{% for text, address in given.links %} <a href="{{ address }}" class="more">{{ text }}</a>{% endfor %}</dt>
{% for claim in given.claims %}
<dd>{{ claim.finding or claim.statement }}. <a href="#{{ claim.anchor }}" class="more" aria-label="Claim {{ claim.study }}/{{ claim.name }}, {{ claim.verdict }}">{{ claim.verdict if claim.standing == "evidence" else claim.standing }}</a>{% if claim.shown %} <a href="#{{ claim.shown.anchor }}" class="more">Figure {{ claim.shown.number }}</a>{% endif %}</dd>
{% endfor %}
</div>
{% endfor %}
</dl>
{% for given in statements if not given.claims %}
{{ "<p class='meta'>No claim of this campaign answers: " | safe if loop.first }}“{{ given.statement }}”{% for text, address in given.links %} <a href="{{ address }}">{{ text }}</a>{% endfor %}{{ "; " if not loop.last else ".</p>" | safe }}
{% endfor %}
</section>
{% endif %}
{% if claims %}
<section id="claims">
<h2>All claims at a glance {{ drawn.anchor("claims", "All claims") }}</h2>
{% include "tally" %}
<p class="meta key">Each row has a scale of its own: <span class="sample region"></span> what would support the claim, <span class="sample none"></span> no effect,
<span class="sample bar"></span> estimate with {{ tally.levels }} interval.</p>
<table class="forest" role="table">
<caption class="hidden">All claims: finding, interval against the expected region, and verdict</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Finding</th><th role="columnheader" scope="col">Interval</th><th role="columnheader" scope="col">Verdict</th></tr></thead>
<tbody role="rowgroup">
{% for study in studies if study.claims %}
<tr role="row" class="group"><th role="rowheader" colspan="3" scope="colgroup"><a href="#{{ study.name }}">{{ study.title }}</a></th></tr>
{% for claim in claims if claim.study == study.name %}
<tr role="row" class="{{ 'aside' if claim.standing != 'evidence' }}">
<td role="cell"><a href="#{{ claim.anchor }}">{{ claim.finding or claim.statement }}</a></td>
<td role="cell" class="strips">{{ claim.strip }}<span class="hidden">{{ claim.measured }}, {{ claim.interval }}</span></td>
<td role="cell"><span class="badge {{ claim.kind }}">{{ claim.verdict }}</span>{% if claim.standing != "evidence" %}<span class="meta">{{ claim.standing }}</span>{% elif claim.judged %}<span class="meta">{{ claim.judged }}</span>{% endif %}</td>
</tr>
{% endfor %}
{% endfor %}
</tbody>
</table>
</section>
{% endif %}
<section id="limits">
<h2>What this does not show {{ drawn.anchor("limits", "What this does not show") }}</h2>
<ul>
{% for limit in limits %}
<li>{{ limit }}</li>
{% endfor %}
</ul>
{% if failures %}
<p>Runs that diverged, or ended no better than guessing, are counted and not averaged:</p>
<ul>
{% for study, lines in failures %}
<li><a href="#{{ study.name }}">{{ study.title }}</a>: {{ lines | join("; ") }}</li>
{% endfor %}
</ul>
{% endif %}
<p class="meta">{% for sign, meaning in glossary %}<b>{{ sign }}</b> {{ meaning }}{{ "; " if not loop.last else "." }}{% endfor %}</p>
</section>
"""  # noqa: E501 - lines of HTML
