"""How many claims count, of how many publications, and what that does not say."""

TALLY = """\
{% if tally.count %}
<p>Of {{ tally.count }} published claim{{ "s" if tally.count != 1 }} of {{ tally.publications }}:
{% for name, number in tally.verdicts %}<span class="badge {{ name }}">{{ number }} {{ name }}</span> {% endfor %}</p>
<p class="meta">A claim is supported if its {{ tally.levels }} interval lies inside the region that the claim expects, contradicted if it lies entirely outside, and
undetermined otherwise. Each is judged by its own interval, with no adjustment for their number: of {{ tally.count }} such intervals about
one in twenty misses what it estimates by chance, and claims that share runs are not independent.{% if tally.looks %} Where seeds may be added
and the claims judged again, the level of the interval is higher, so that all looks together miss no more often than one.{% endif %}</p>
{% endif %}
{% if tally.others %}
<p class="meta">Shown and not counted: {% for text, meaning in tally.others %}{{ text }} ({{ meaning }}){{ "; " if not loop.last else "." }}{% endfor %}</p>
{% endif %}
"""  # noqa: E501 - lines of HTML
