"""The figure and the page of the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import jinja2
import pandas as pd
from markupsafe import Markup

from batchlab.charts import theme
from batchlab.charts.export import to_svg, to_vega_lite

_NAMES = {"default_ratio": "Keras fit, defaults", "best_ratio": "Keras fit, best settings"}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmarks of batchlab</title>
<style>
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; font: 15px/1.5 {{ font }}; color: {{ ink }}; }
table { border-collapse: collapse; margin: 1rem 0; } svg { max-width: 100%; height: auto; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid {{ light }}; }
th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
<h1>Benchmarks</h1>
<p>{{ machine }}</p>
{{ figure }}
{% for title, note, columns, rows in tables %}
<h2>{{ title }}</h2>
<p>{{ note }}</p>
<table><tr>{% for column in columns %}<th>{{ column }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endfor %}
</body>
</html>
"""


def figure(ratios: Sequence[Mapping[str, Any]]) -> str:
    """Return the figure of one epoch's time beside Keras' `fit` as SVG.

    Args:
        ratios: Rows of `epochs.ratios`.
    """
    frame = pd.DataFrame(ratios).melt(["model", "batch_size"], list(_NAMES), var_name="peer", value_name="ratio")
    frame["peer"] = frame["peer"].map(_NAMES)
    names = list(_NAMES.values())
    base = alt.Chart().encode(
        x=alt.X("batch_size:O", title="Batch size B", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("ratio:Q", title="seconds of fit / seconds of batchlab", scale=alt.Scale(type="log")),
        color=alt.Color("peer:N", title=None, scale=alt.Scale(domain=names, range=theme.category_colours(2, "bench"))),
    )
    one = alt.Chart().mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(y=alt.datum(1))
    panels = alt.layer(one, base.mark_line(), base.mark_point(), data=frame).properties(width=170, height=190)
    title = alt.TitleParams("One epoch: how many times longer Keras' fit takes", subtitle="Medians; 1 is as fast")
    chart = (
        panels.facet(alt.Facet("model:N", title=None), columns=4).properties(title=title).configure(**theme.config())
    )
    return to_svg(to_vega_lite(chart))


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def render(machine: str, svg: str, tables: Sequence[tuple[str, str, Sequence[Mapping[str, Any]]]]) -> str:
    """Return the page.

    Args:
        machine: What was measured on, in words.
        svg: The figure.
        tables: Title, explanation and rows of each table.
    """
    environment = jinja2.Environment(autoescape=True)
    return environment.from_string(_PAGE).render(
        machine=machine,
        figure=Markup(svg),
        tables=[
            (title, note, list(rows[0]), [[_shown(value) for value in row.values()] for row in rows])
            for title, note, rows in tables
        ],
        font=theme.FONT,
        ink=theme.INK,
        light=theme.LIGHT,
    )
