"""How far two computations of the same training move apart, update by update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts.axes import x_axis, y_axis, y_name
from batchlab.charts.colours import colour, dash, is_wide, legend_title
from batchlab.charts.drawn import Drawn, Row, distinct, keep, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_text
from batchlab.charts.layout import Size, faceted, panel_size, with_panels
from batchlab.charts.quantities import quantity, title_of
from batchlab.charts.words import capital, value_text
from batchlab.declarations.columns import Column

# Points of single updates are drawn up to this many; more of them would hide the line and its dashes.
MOST_POINTS = 40
# An interval reaches this factor beyond the means at most, or wide intervals of a few seeds would flatten the lines.
_REACH = 3


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw differences on a logarithmic axis, one line per value of the colours.

    Args:
        figure: Its `x`, `y`, `colour`, `dash`, `facet`, `x_scale`, titles and domains are read.
        drawn: What `drift.data` returns.

    Returns:
        An Altair chart.
    """
    points = drawn.of("mean")
    if not points:
        return nothing(figure, drawn, "Every difference is exactly 0.")
    figure = told_apart(figure, drawn)
    own = keep(points, [*figure.groups(), "x", "mean", "low", "high", "n"])
    rows, panels = with_panels(figure, own)
    wide = is_wide(figure, own)
    size = panel_size(max(1, len(panels)), beside=not wide)
    layers = _layers(figure, own, wide, size)
    layer = alt.layer(*layers, data=alt.InlineData(values=rows)).properties(width=size.width, height=size.height)
    notes = [seeds_text(points, what="geometric mean"), *_zeros(figure, drawn, points)]
    return finish(faceted(layer, panels, size.across), figure, drawn, notes)


def _zeros(figure: Figure, drawn: Drawn, points: Sequence[Row]) -> list[str]:
    """Return which differences are exactly 0, where a logarithm cannot show them."""
    colour_of = str(figure.colour)
    zeros = drawn.of("zero")
    if not zeros:
        return []
    shown = distinct(points, colour_of)
    exact = [value_text(figure.column(colour_of), row[colour_of]) for row in zeros if row[colour_of] not in shown]
    return [f"exactly 0: {', '.join(exact)}" if exact else "values of exactly 0 are not on the logarithmic axis"]


def _layers(figure: Figure, points: Sequence[Row], wide: bool, size: Size) -> list[Any]:
    (value,) = figure.y
    title = capital(quantity(figure, value).axis)
    name = y_name(figure, title, size.height)
    y = y_axis(figure, name, *_reach(points), "log")
    dash_of = figure.column(figure.dash) if figure.dash else None
    base = alt.Chart().encode(
        x=x_axis(figure, values_of(points, "x"), size.width),
        color=colour(figure, points, wide),
        detail=[alt.Detail(f"{figure.dash}:N")] if figure.dash else [],
    )
    layers: list[Any] = []
    if values_of(points, "low"):
        band = base.mark_area(opacity=0.15, clip=True, strokeWidth=0)
        layers.append(band.encode(y=alt.Y("low:Q", title=name), y2="high:Q"))
    tips = [
        alt.Tooltip("x:Q", title=title_of(figure.column(figure.x))),
        alt.Tooltip(f"{figure.colour}:N", title=str(figure.colour).replace("_", " ")),
        alt.Tooltip("mean:Q", title=title, format=".3~g"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    kinds = distinct(points, dash_of.name) if dash_of else []
    dashes = dash(kinds, legend_title(dash_of) if dash_of else None, wide, dash_of or Column("series"))
    layers.append(base.mark_line(clip=True).encode(y=y, strokeDash=dashes, tooltip=tips))
    if len(distinct(points, "x")) <= MOST_POINTS:
        layers.append(base.mark_point(size=22, opacity=1, clip=True).encode(y=y, tooltip=tips))
    return layers


def _reach(points: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of the vertical axis."""
    means = values_of(points, "mean")
    lows = [row["mean"] if row["low"] is None else row["low"] for row in points]
    highs = [row["mean"] if row["high"] is None else row["high"] for row in points]
    return max(min(means) / _REACH, min(lows)), min(max(means) * _REACH, max(highs))
