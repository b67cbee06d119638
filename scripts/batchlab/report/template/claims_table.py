"""The claims of a study: published and measured, side by side on a desk, as cards on a telephone."""

CLAIMS = """\
<h3>Published and measured</h3>
<table class="claims" role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Claim</th><th role="columnheader" scope="col">Published</th><th role="columnheader" scope="col">Measured</th><th role="columnheader" scope="col">{{ study.levels }} interval</th><th role="columnheader" scope="col"><abbr title="number of seeds, or of pairs of runs">n</abbr></th><th role="columnheader" scope="col">Verdict</th></tr></thead>
<tbody role="rowgroup">
{% for claim in study.claims %}
<tr role="row" id="{{ claim.anchor }}">
<td role="cell"><span class="statement">{{ claim.statement }}</span> {{ drawn.anchor(claim.anchor, "claim " ~ claim.name) }}<div class="meta">{% if claim.sources %}{% for key in claim.sources %}<a href="#reference-{{ key }}">{{ shorts[key] }}</a>{{ "; " if not loop.last }}{% endfor %}{% else %}{{ claim.source }}{% endif %}{% if claim.figure in study.known %} · <a href="#{{ study.name }}-{{ claim.figure }}">Figure {{ study.known[claim.figure] }}</a>{% endif %}</div></td>
<td role="cell" data-label="Published">{{ claim.published }}</td>
<td role="cell" data-label="Measured">{{ claim.measured }}</td>
<td role="cell" data-label="{{ claim.level }} interval"><span class="num">{{ claim.interval }}{{ " " ~ claim.unit if claim.unit and claim.interval not in ("–", "exact") }}</span>{% if claim.expected %}<div class="meta">expected {{ claim.expected }}</div>{% endif %}</td>
<td role="cell" data-label="n">{{ claim.n }}</td>
<td role="cell" data-label="Verdict"><span class="badge {{ claim.kind }}">{{ claim.verdict }}</span>{% if claim.judged %}<div class="meta">{{ claim.judged }}</div>{% endif %}{% if claim.standing != "evidence" %}<div class="meta">{{ claim.standing }}, not counted</div>{% endif %}{% if claim.because %}<div class="meta">{{ claim.because }}</div>{% endif %}{% if claim.note %}<div class="meta">{{ claim.note }}</div>{% endif %}</td>
</tr>
{% endfor %}
</tbody>
</table>
"""  # noqa: E501 - lines of HTML
