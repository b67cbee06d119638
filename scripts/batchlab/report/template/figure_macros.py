"""Macros: a figure with its caption and files, and the sign that gives a place its address."""

FIGURE = """\
{% macro anchor(place, name) -%}
<a class="anchor" href="#{{ place }}" aria-label="Link to {{ name }}" title="Link to this place; a click copies it">¶</a>
{%- endmacro %}
{% macro figure(figure, place="") %}
<figure id="{{ figure.anchor if not place else place ~ '-' ~ figure.anchor }}">
{% if not place %}
<h3 class="hidden">{{ figure.heading }}</h3>
{% endif %}
<div class="canvas" data-name="Figure {{ figure.number }}, {{ figure.heading }}"{% if figure.page %} data-page="{{ figure.page }}" data-height="{{ figure.height | int }}"{% endif %}>{{ figure.svg if not place else figure.again }}</div>
<figcaption><b>Figure {{ figure.number }}</b>{% if not place %}{{ anchor(figure.anchor, "Figure " ~ figure.number) }}{% endif %} <a href="#{{ figure.anchor }}" class="name">{{ figure.study }}/{{ figure.name }}</a>
{% if figure.finding %}{{ figure.title }}. {% endif %}{{ figure.caption }}
{% if not place %}
<span class="links">{% for text, link in figure.links %}<a href="{{ link }}"{% if text == "interactive" %} class="live"{% endif %}>{{ text }}</a>{{ " · " if not loop.last }}{% endfor %}</span>
{% endif %}
</figcaption>
</figure>
{% endmacro %}
"""  # noqa: E501 - lines of HTML
