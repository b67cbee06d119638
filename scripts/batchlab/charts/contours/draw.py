"""Lines of equal value of a surface over a plane, and paths in it."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts import theme
from batchlab.charts.colours import colour
from batchlab.charts.drawn import Drawn, Row, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing
from batchlab.charts.layout import headed, of_panel, panel_size, panels_of, side_by_side
from batchlab.charts.quantities import quantity
from batchlab.charts.words import capital


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw the lines of equal value, and each path from a ring at its start to a dot at its end.

    Args:
        figure: Its `x`, `y`, `value`, `colour`, `facet`, titles and domains are read.
        drawn: What `contours.data` returns.

    Returns:
        An Altair chart.
    """
    lines, paths = drawn.of("contour"), drawn.of("path")
    if not lines:
        return nothing(figure, drawn)
    panels = panels_of(figure, [*lines, *paths], 2)
    size = panel_size(len(panels), beside=True, own_axes=True)
    # The plane has one unit, so a panel is about square.
    size = size._replace(height=min(size.width, 400))
    charts = []
    for number, panel in enumerate(panels):
        here, walked = of_panel(figure, lines, panel), of_panel(figure, paths, panel)
        # Of panels with the same legends, the last of the first row has them.
        layers = _layers(figure, here, walked, drawn, legend=number == min(size.across, len(panels)) - 1)
        charts.append(headed(alt.layer(*layers), panel, size))
    joined = side_by_side([chart.resolve_scale(color="independent") for chart in charts], size.across)
    title = capital(quantity(figure, figure.option("value")).title)
    levels = [set(values_of(of_panel(figure, lines, panel), "level")) for panel in panels]
    own = any(one.isdisjoint(other) for one, other in itertools.combinations(levels, 2))
    notes = [f"{title}: lines of equal value, evenly spaced on a logarithmic scale", "One seed"]
    notes += ["lines at other values in each panel"] if own else []
    notes += ["○ start, ● end of a path"] if paths else []
    return finish(joined, figure, drawn, notes)


def _layers(figure: Figure, lines: Sequence[Row], paths: Sequence[Row], drawn: Drawn, *, legend: bool) -> list[Any]:
    """Return the layers of one panel."""
    x, y = (_axis(figure, name, title) for name, title in ((figure.x, "x"), (figure.y[0], "y")))
    levels = values_of(drawn.of("contour"), "level")
    value = quantity(figure, figure.option("value"))
    tint = alt.Color(
        "level:Q",
        scale=alt.Scale(type="log", domain=[min(levels), max(levels)], range=theme.map_colours()[1:7]),
        legend=alt.Legend(title=textwrap.wrap(capital(value.axis), 16), gradientLength=120, format=".2~g")
        if legend
        else None,
    )
    told = alt.Tooltip("level:Q", title=value.axis, format=",.3~g")
    contour = alt.Chart(alt.InlineData(values=list(lines))).mark_rule(strokeWidth=0.9, clip=True)
    layers: list[Any] = [
        contour.encode(x=alt.X("x:Q", **x), y=alt.Y("y:Q", **y), x2="x2:Q", y2="y2:Q", color=tint, tooltip=[told])
    ]
    if paths:
        group = figure.colour
        own, silent = (colour(figure, drawn.of("path"), legend=shown) for shown in (legend, False))
        base = alt.Chart(alt.InlineData(values=list(paths))).encode(x="x:Q", y="y:Q", color=own)
        layers.append(base.mark_line(strokeWidth=2, clip=True).encode(order="place:Q"))
        last = {row[group] if group else None: row for row in sorted(paths, key=lambda row: row["place"])}
        first = [row for row in paths if row["place"] == 0]
        for rows, filled in ((first, False), (list(last.values()), True)):
            ends = alt.Chart(alt.InlineData(values=rows)).mark_point(size=60, filled=filled, opacity=1, strokeWidth=1.6)
            layers.append(ends.encode(x="x:Q", y="y:Q", color=silent))
    return layers


def _axis(figure: Figure, name: str, axis: str) -> dict[str, Any]:
    """Return title and scale of one axis of the plane."""
    domain = figure.option(f"{axis}_domain")
    limits = alt.Scale(domain=domain, nice=False) if domain else alt.Scale(zero=False, nice=False)
    text = figure.option(f"{axis}_title") or quantity(figure, name).axis
    return {"title": capital(text), "scale": limits, "axis": alt.Axis(grid=False)}
