"""The contents, which stay in sight beside the page: search, sections, studies with their verdicts."""

NAVIGATION = """\
<nav class="contents" aria-label="Contents">
<details id="contents" open>
<summary>Contents and search</summary>
<p class="search" hidden><label for="search">Search</label>
<input id="search" type="search" placeholder="Search (press /)" autocomplete="off"></p>
<ul id="found" hidden></ul>
<p id="count" class="meta" role="status"></p>
<ol>
<li><a href="#answer">Which batch size?</a></li>
<li><a href="#answers">All answers</a></li>
{% if statements | selectattr("claims") | list %}
<li><a href="#statements">Statements in threads</a></li>
{% endif %}
{% if claims %}
<li><a href="#claims">All claims</a></li>
{% endif %}
<li><a href="#limits">What this does not show</a></li>
{% for study in studies %}
<li class="{{ 'first' if loop.first }}"><a href="#{{ study.name }}">{{ study.title }}</a>
{% if study.verdicts %}
<span class="dots"><span class="hidden">{{ study.verdict }}</span>{% for name, number in study.verdicts.items() %}{% for _ in range(number) %}<i class="dot-{{ name }}" title="{{ name }}"></i>{% endfor %}{% endfor %}</span>
{% endif %}
</li>
{% endfor %}
<li class="first"><a href="#computed">How this was computed</a></li>
{% if references %}
<li><a href="#references">References</a></li>
{% endif %}
<li><a href="#cite">Cite this page</a></li>
</ol>
</details>
</nav>
"""  # noqa: E501 - lines of HTML
