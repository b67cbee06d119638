"""The end of the page: how results were computed, how to compute them again, references, and how to cite it."""

CLOSING = """\
{% import "figure" as drawn %}
<section id="computed">
<h2>How this was computed {{ drawn.anchor("computed", "How this was computed") }}</h2>
<p>Accuracy and loss are evaluated at fixed weights after each epoch. Values are means over seeds, and intervals are two-sided 95 % Student
intervals over seeds, for ratios on the logarithmic scale or by Fieller’s method. Runs that diverged or ended no better than guessing are counted, not averaged.</p>
<dl>
{% for name, lines in summary_of_records %}
<dt>{{ name }}</dt><dd{{ " data-measured" if name == "Work" }}>{% for line in lines %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</dd>
{% endfor %}
{% if citation.version is defined or commits %}
<dt>Code</dt><dd>batchlab{{ " " ~ citation.version if citation.version is defined }}{% if commits %}, commit {% for commit in commits %}{% if citation["repository-code"] is defined %}<a href="{{ citation["repository-code"] }}/commit/{{ commit }}">{{ commit }}</a>{% else %}<code>{{ commit }}</code>{% endif %}{{ ", " if not loop.last }}{% endfor %}{% endif %}{{ ", with uncommitted changes" if uncommitted }}{% if citation["repository-code"] is defined %}; <a href="{{ citation["repository-code"] }}">repository</a>{% endif %}{% if citation.license is defined %}; {{ citation.license }} licence{% endif %}</dd>
{% endif %}
{% if identity %}
<dt>Identity</dt><dd><code>{{ identity[:10] }}</code>, a digest of the settings of all runs; the same settings have the same</dd>
{% endif %}
{% for name, lines in settings %}
<dt>{{ name }}</dt><dd>{% for line in lines %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</dd>
{% endfor %}
</dl>
{% if details %}
<details>
<summary>All packages and digests</summary>
<dl>
{% for name, lines in details %}
<dt>{{ name }}</dt><dd>{% for line in lines %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor %}</dd>
{% endfor %}
</dl>
</details>
{% endif %}
<h3>To compute it again</h3>
<p>In a copy of the project{% if commits %} at commit {{ commits[-1] }}{% endif %}; the first command shows what would run, the last one compares the results with their records
and computes a sample of them anew:</p>
<pre tabindex="0"><code>make plan CONFIG=config/{{ campaign }}.yaml
make figures CONFIG=config/{{ campaign }}.yaml
make verify CONFIG=config/{{ campaign }}.yaml</code></pre>
</section>
{% if references %}
<section id="references">
<h2>References {{ drawn.anchor("references", "References") }}</h2>
<ul class="references">
{% for each in references %}
<li id="reference-{{ each.key }}">{{ each.authors }} ({{ each.year }}). <i>{{ each.title }}</i>.{{ " " ~ each.venue ~ "." if each.venue }} {% if each.address %}<a href="{{ each.address }}">{{ each.named }}</a>.{% endif %}
<span class="meta">{{ each.claims | length }} claim{{ "s" if each.claims | length != 1 }}: {% for claim in each.claims %}<a href="#{{ claim.anchor }}">{{ claim.study }}/{{ claim.name }}</a>{{ ", " if not loop.last }}{% endfor %}</span></li>
{% endfor %}
</ul>
</section>
{% endif %}
<section id="cite">
<h2>Cite this page {{ drawn.anchor("cite", "Cite this page") }}</h2>
<p>{% if citation.authors is defined %}{{ citation.authors | join(", ") }}{% else %}batchlab{% endif %}{{ " (" ~ day[-10:-6] ~ ")" if day }}. <i>{{ title }}</i>. Campaign {{ campaign }} of batchlab{{ " " ~ citation.version if citation.version is defined }}.{{ " Computed " ~ day ~ "." if day }}{% if citation.doi is defined %} <a href="https://doi.org/{{ citation.doi }}">doi:{{ citation.doi }}</a>.{% endif %}
Figures and claims are cited by name, such as <code>{{ studies[0].name if studies else "study" }}/{{ studies[0].figures[0].name if studies and studies[0].figures else "figure" }}</code>; numbers of figures may change with the campaign, names do not.</p>
<pre tabindex="0"><code>{{ bibtex }}</code></pre>
</section>
"""  # noqa: E501 - lines of HTML
