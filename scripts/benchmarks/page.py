"""The figures and the page of the benchmarks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import jinja2
import pandas as pd
from markupsafe import Markup

from batchlab.charts import theme
from batchlab.charts.export import scoped, to_svg, to_vega_lite

_PEERS = {
    "default_ratio": "Keras fit, defaults",
    "best_ratio": "Keras fit, best settings",
    "jax_ratio": "Keras fit on JAX",
    "torch_ratio": "PyTorch loop",
}
_QUANTITIES = {
    "seeds": "Training: seeds",
    "examples": "Training: examples",
    "trials": "Gradient norms: trials",
    "arms": "Planning: arms",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmarks of batchlab</title>
<style>
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; font: 15px/1.5 {{ font }}; color: {{ ink }}; }
p { max-width: 48rem; } svg { max-width: 100%; height: auto; overflow: visible; } div { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid {{ light }}; }
th { vertical-align: bottom; } th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
<h1>Benchmarks</h1>
<p>{{ machine }}</p>
{% for section in sections %}
<h2>{{ section.title }}</h2>
<p>{{ section.note }}</p>
{{ section.figure }}
<div><table><tr>{% for column in section.rows[0] %}<th>{{ column | replace("_", " ") }}</th>{% endfor %}</tr>
{% for row in section.rows %}<tr>{% for value in row.values() %}<td>{{ value | shown }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% endfor %}
</body>
</html>
"""


class Section(NamedTuple):
    """A part of the page."""

    title: str
    note: str
    rows: Sequence[Mapping[str, Any]]
    figure: str = ""


def epochs_figure(ratios: Sequence[Mapping[str, Any]]) -> str:
    """Return the figure of one epoch's time beside each peer that was there, as SVG.

    Args:
        ratios: Rows of `epochs.ratios`.
    """
    frame = pd.DataFrame(ratios).melt(["model", "batch_size"], list(_PEERS), var_name="peer", value_name="ratio")
    frame = frame.dropna(subset="ratio").assign(peer=lambda found: found["peer"].map(_PEERS))
    names = [name for name in _PEERS.values() if name in set(frame["peer"])]
    colours = theme.category_colours(len(names), "bench")
    base = alt.Chart().encode(
        x=alt.X("batch_size:O", title="Batch size B", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("ratio:Q", title="seconds of the peer / of batchlab", scale=alt.Scale(type="log")),
        color=alt.Color("peer:N", title=None, scale=alt.Scale(domain=names, range=colours)),
    )
    one = alt.Chart().mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(y=alt.datum(1))
    panels = alt.layer(one, base.mark_line(), base.mark_point(), data=frame).properties(width=190, height=190)
    title = alt.TitleParams("One epoch: how many times longer the peers take", subtitle="Medians; 1 is as fast")
    models = list(dict.fromkeys(row["model"] for row in ratios))
    facet = alt.Facet("model:N", title=None, sort=models)
    chart = panels.facet(facet, columns=4).properties(title=title).configure(**theme.config())
    return to_svg(to_vega_lite(chart))


def scale_figure(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the figure of cost against size as SVG; dashed lines are proportional to the count.

    Args:
        rows: `what`, `count`, `seconds`.
    """
    frame = pd.DataFrame(rows)
    largest = frame.loc[frame.groupby("what")["count"].idxmax()].set_index("what")
    frame["proportional"] = frame["count"] * frame["what"].map(largest["seconds"] / largest["count"])
    frame["what"] = frame["what"].map(_QUANTITIES)
    axis = alt.Axis(labelOverlap="greedy", labelSeparation=6, labelFlush=False)
    base = alt.Chart().encode(x=alt.X("count:Q", title="Count", scale=alt.Scale(type="log", nice=False), axis=axis))
    seconds = base.encode(y=alt.Y("seconds:Q", title="Seconds", scale=alt.Scale(type="log")))
    proportional = base.mark_line(color=theme.GREY, strokeDash=[4, 3]).encode(y=alt.Y("proportional:Q"))
    colour = theme.CATEGORIES[0]
    panels = alt.layer(proportional, seconds.mark_line(color=colour), seconds.mark_point(color=colour), data=frame)
    facet = alt.Facet("what:N", title=None, sort=list(_QUANTITIES.values()))
    title = alt.TitleParams("Cost against size", subtitle="Medians, one thread; dashed: proportional to the count")
    chart = (
        panels.properties(width=210, height=190).facet(facet, columns=4).resolve_scale(x="independent", y="independent")
    )
    return to_svg(to_vega_lite(chart.properties(title=title).configure(**theme.config())))


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def render(machine: str, sections: Sequence[Section]) -> str:
    """Return the page.

    Args:
        machine: What was measured on, in words.
        sections: Its parts; their figures are SVG.
    """
    environment = jinja2.Environment(autoescape=True)
    environment.filters["shown"] = _shown
    parts = [
        section._replace(figure=Markup(scoped(section.figure, f"figure{number}")))
        for number, section in enumerate(sections)
    ]
    return environment.from_string(_PAGE).render(
        machine=machine, sections=parts, font=theme.FONT, ink=theme.INK, light=theme.LIGHT
    )
