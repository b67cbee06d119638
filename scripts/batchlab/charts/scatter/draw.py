"""One measured quantity against another: a dot for each row."""

from __future__ import annotations

from typing import Any

import altair as alt

from batchlab.charts.axes import Span, span_of, x_axis, y_name
from batchlab.charts.colours import colour
from batchlab.charts.drawn import Drawn, Row, distinct, keep, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing
from batchlab.charts.layout import Panel, Size, headed, of_panel, panel_size, panels_of, side_by_side
from batchlab.charts.quantities import quantity, title_of


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw one dot for each row; with `along` those of a run are joined.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `along`, scales, titles and domains are read.
        drawn: What `scatter.data` returns.

    Returns:
        An Altair chart.
    """
    points = [{**row, "mean": row["y"], "low": None, "high": None} for row in drawn.of("dot")]
    if not points:
        return nothing(figure, drawn)
    panels = len(distinct(points, figure.facet)) if figure.facet else 1
    size = panel_size(panels, beside=figure.colour is not None)
    span = span_of(figure, points, size.height, figure.option("y_scale"))
    dots = keep(points, [*figure.groups("seed"), *(["along"] if figure.option("along") else []), "x", "y"])
    charts = [_panel(figure, dots, panel, size, span) for panel in panels_of(figure, dots, size.across)]
    seeds = len(distinct(points, "seed"))
    notes = [f"{len(points)} dots of {seeds} seed{'s' if seeds > 1 else ''}"]
    if along := figure.option("along"):
        notes.append(f"lines join the dots of one run along {title_of(figure.column(along))}")
    if beyond := drawn.number("beyond"):
        notes.append(f"{beyond} without a place on the axes not drawn")
    return finish(side_by_side(charts, size.across, 18), figure, drawn, notes)


def _panel(figure: Figure, points: list[Row], panel: Panel, size: Size, span: Span) -> Any:
    """Return the chart of one panel, whose axes are those of all."""
    here = of_panel(figure, points, panel)
    title = quantity(figure, *figure.y).axis
    base = alt.Chart(alt.InlineData(values=here)).encode(
        x=x_axis(figure, values_of(points, "x"), size.width),
        y=span.encoding("y", y_name(figure, title, size.height) if panel.first else None, labels=panel.first),
        color=colour(figure, points, symbol="stroke" if figure.option("along") else "circle"),
        detail="seed:N",
    )
    told = [
        alt.Tooltip("x:Q", title=title_of(figure.column(figure.x)), format=",.5~g"),
        alt.Tooltip("y:Q", title=title, format=",.5~g"),
        alt.Tooltip("seed:N", title="seed"),
    ]
    layers = [base.mark_point(filled=True, size=34, opacity=0.85, clip=True).encode(tooltip=told)]
    if figure.option("along"):
        layers.insert(0, base.mark_line(strokeWidth=0.9, opacity=0.5, clip=True).encode(order="along:Q"))
    return headed(alt.layer(*layers), panel, size)
