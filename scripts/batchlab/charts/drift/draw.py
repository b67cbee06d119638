"""How far two computations of the same training move apart, update by update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts.axes import span_of, x_axis, y_name
from batchlab.charts.colours import colour, dash, from_top, is_wide, legend_title
from batchlab.charts.drawn import Drawn, Row, distinct, keep, told_apart, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing, seeds_text
from batchlab.charts.layout import Panel, Size, headed, of_panel, panel_size, panels_of, side_by_side
from batchlab.charts.quantities import quantity
from batchlab.charts.tips import tips, with_words
from batchlab.charts.words import capital, value_text
from batchlab.declarations.columns import Column

# Points of single updates are drawn up to this many; more of them would hide the line and its dashes.
MOST_POINTS = 40


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw differences on a logarithmic axis, one line per value of the colours.

    Args:
        figure: Its `x`, `y`, `colour`, `dash`, `facet`, `spread`, `x_scale`, titles and domains are read.
        drawn: What `drift.data` returns.

    Returns:
        An Altair chart.
    """
    points = drawn.of("mean")
    if not points:
        return nothing(figure, drawn, "Every difference is exactly 0.")
    figure = told_apart(figure, drawn)
    own = with_words(figure, keep(points, [*figure.groups(), "x", "mean", "low", "high", "n"]))
    single = keep(drawn.of("seed"), [*figure.groups(), "x", "seed", "value"]) if drawn.of("seed") else []
    wide = is_wide(figure, own)
    size = panel_size(max(1, len(distinct(own, figure.facet)) if figure.facet else 1), beside=not wide)
    charts = [_panel(figure, own, single, panel, wide, size) for panel in panels_of(figure, own, size.across)]
    notes = [_runs_text(figure, points), *_zeros(figure, drawn, points)]
    return finish(side_by_side(charts, size.across, 18), figure, drawn, notes)


def _runs_text(figure: Figure, points: Sequence[Row]) -> str:
    if figure.option("spread") == "seeds":
        return f"Thick: median of n = {max(int(row['n']) for row in points)} seeds; thin: single seeds"
    return seeds_text(points, what="geometric mean")


def _zeros(figure: Figure, drawn: Drawn, points: Sequence[Row]) -> list[str]:
    """Return which differences are exactly 0, where a logarithm cannot show them."""
    colour_of = str(figure.colour)
    zeros = drawn.of("zero")
    if not zeros:
        return []
    shown = distinct(points, colour_of)
    exact = [value_text(figure.column(colour_of), row[colour_of]) for row in zeros if row[colour_of] not in shown]
    return [f"exactly 0: {', '.join(exact)}" if exact else "values of exactly 0 are not on the logarithmic axis"]


def _panel(figure: Figure, points: Sequence[Row], single: Sequence[Row], panel: Panel, wide: bool, size: Size) -> Any:
    (value,) = figure.y
    here, seeds = of_panel(figure, points, panel), of_panel(figure, single, panel)
    title = capital(quantity(figure, value).axis)
    span = span_of(figure, points, size.height, "log", values_of(single, "value"))
    y = span.encoding("mean", y_name(figure, title, size.height) if panel.first else None, labels=panel.first)
    dash_of = figure.column(figure.dash) if figure.dash else None
    kinds = distinct(points, dash_of.name) if dash_of else []
    dashes = dash(kinds, legend_title(dash_of) if dash_of else None, wide, dash_of or Column("series"))
    tint = colour(figure, points, wide, order=from_top(figure, points))
    detail = [alt.Detail(f"{figure.dash}:N")] if figure.dash else []
    base = alt.Chart(alt.InlineData(values=here)).encode(
        x=x_axis(figure, values_of(points, "x"), size.width), color=tint, detail=detail
    )
    layers: list[Any] = [base.mark_point(opacity=0).encode(y=y)]
    if values_of(here, "low"):
        layers.append(base.mark_area(opacity=0.15, clip=True, strokeWidth=0).encode(y="low:Q", y2="high:Q"))
    if seeds:
        thin = alt.Chart(alt.InlineData(values=seeds)).mark_line(strokeWidth=0.8, opacity=0.55, clip=True)
        each = [*detail, alt.Detail("seed:N")]
        layers.append(thin.encode(x="x:Q", y="value:Q", color=tint, strokeDash=dashes, detail=each))
    told = tips(figure, here, title)
    layers.append(base.mark_line(clip=True).encode(y="mean:Q", strokeDash=dashes, tooltip=told))
    if len(distinct(points, "x")) <= MOST_POINTS:
        layers.append(base.mark_point(size=22, opacity=1, clip=True).encode(y="mean:Q", tooltip=told))
    return headed(alt.layer(*layers), panel, size)
