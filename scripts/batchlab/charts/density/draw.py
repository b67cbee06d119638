"""Distributions of gradient norms per batch size, raw and divided by their means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from batchlab.charts.axes import x_axis
from batchlab.charts.colours import colour
from batchlab.charts.drawn import Drawn, Row, distinct, keep, values_of
from batchlab.charts.figure import Figure
from batchlab.charts.finish import finish, nothing
from batchlab.charts.layout import LEGEND, WIDTH, side_by_side
from batchlab.charts.quantities import quantity
from batchlab.charts.words import capital, value_text


def draw(figure: Figure, drawn: Drawn) -> Any:
    """Draw one density per batch size, raw and normalised by the mean.

    Args:
        figure: Its `y`, `facet`, titles and `x_domain` are read; colour is always the batch size.
        drawn: What `density.data` returns.

    Returns:
        An Altair chart: one row of panels per facet value.
    """
    curves = drawn.of("density")
    if not curves:
        return nothing(figure, drawn)
    figure = figure.changed(colour="batch_size")
    views = distinct(curves, "view")
    facets = distinct(curves, figure.facet) if figure.facet else [None]
    panels = len(views) * len(facets)
    across = len(views) if len(views) > 1 else 2 if panels in (2, 4) else min(panels, 3)
    beside = across < 3  # the legend
    width = (WIDTH - (LEGEND if beside else 0) - 40 - (across - 1) * 62) // across
    height = 300 if panels == 1 else 230 if len(facets) == 1 else 170
    charts = []
    for facet in facets:
        for view in views:
            own = [row for row in curves if row["view"] == view and (facet is None or row[str(figure.facet)] == facet)]
            panel = _panel(figure, own, colour(figure, curves, not beside), wide=not beside)
            if heading := _heading(figure, facet, view, views):
                panel = panel.properties(title=alt.TitleParams(text=heading, fontSize=12, offset=6, frame="group"))
            charts.append(panel.properties(width=width, height=height))
    return finish(side_by_side(charts, across), figure, drawn, _notes(figure, drawn, views))


def _heading(figure: Figure, facet: Any, view: str, views: Sequence[str]) -> str:
    words = value_text(figure.column(str(figure.facet)), facet) if figure.facet else ""
    if len(views) > 1:
        words = ", ".join(text for text in (words, "raw" if view == "raw" else "equal means") if text)
    return capital(words)


def _notes(figure: Figure, drawn: Drawn, views: Sequence[str]) -> list[str]:
    numbers = values_of(drawn.of("trials"), "n")
    few, many, seeds = min(numbers), max(numbers), drawn.number("seeds")
    number = f"n = {many}" if few == many else f"n = {few} to {many}"
    trials = f"{number} trials per batch size" + (f" from {seeds} seeds" if seeds > 1 else "")
    scaled = "normalised: each norm × mean at the largest B / mean at its own B" if "same" in views else ""
    differ = "horizontal axes differ" if figure.facet and len(distinct(drawn.of("density"), figure.facet)) > 1 else ""
    seed = "one seed" if seeds == 1 else ""
    return [f"{trials}, {seed}".removesuffix(", "), "kernel density, peaks scaled to 1 (not areas)", scaled, differ]


def _panel(figure: Figure, curves: Sequence[Row], tint: Any, *, wide: bool) -> Any:
    """Return one panel; its axis is logarithmic where the data say so."""
    (value,) = figure.y
    view, logarithmic = curves[0]["view"], curves[0]["scale"] == "log"
    shown = quantity(figure, value)
    # A normalised value has the words of the axis title without formula and unit.
    short = shown.title.split(",")[0]
    words = {"raw": shown.axis, "same": f"{short}, normalised", "mean": "norm / its mean"}[view]
    title = figure.option("x_title") or capital(words + (" (log axis)" if logarithmic else ""))
    axis = x_axis(figure, values_of(curves, "x"), 140 if wide else 220, title, curves[0]["scale"])
    name = capital(figure.option("y_title") or "Density (peak = 1)")
    y = alt.Y(
        "density:Q",
        title=name,
        scale=alt.Scale(domain=[0, 1.04]),
        axis=alt.Axis(values=[0, 0.5, 1]),
    )
    base = alt.Chart(alt.InlineData(values=keep(curves, ["x", "density", "batch_size"]))).encode(x=axis)
    area = base.mark_area(opacity=0.07, strokeWidth=0).encode(y=alt.Y("density:Q", stack=None, title=name), color=tint)
    tips = [
        alt.Tooltip("batch_size:O", title="batch size"),
        alt.Tooltip("x:Q", title=title, format=".4~g"),
    ]
    line = base.mark_line(strokeWidth=1.7).encode(y=y, color=tint, tooltip=tips)
    return alt.layer(area, line)
