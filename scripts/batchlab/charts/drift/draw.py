"""How far two computations of the same training move apart, update by update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import altair as alt

from batchlab.charts import marks
from batchlab.charts import words as columns
from batchlab.charts.aggregate import groups_of, in_order, sort_for_drawing, summarise, tell_apart
from batchlab.charts.figure import Figure, Rows

# Points of single updates are drawn up to this many; more of them would hide the line and its dashes.
MOST_POINTS = 40


def draw(figure: Figure, rows: Rows) -> Any:
    """Draw relative differences on a logarithmic axis against updates, one line per accumulation.

    Differences spread over decades, so means and intervals over seeds are those of the logarithm (geometric mean).

    Args:
        figure: Its `x` (default `updates`), `y` (default `relative_difference`), `colour` (default `accumulation`),
            `facet` and `x_scale` are read.
        rows: Selected rows.

    Returns:
        An Altair chart.

    Raises:
        BatchlabError: Arms or rows cannot be told apart.
    """
    figure = replace(
        figure,
        x=figure.x or "updates",
        y=figure.y[:1] or ("relative_difference",),
        colour=figure.colour or "accumulation",
        y_scale="log",
    )
    if rows.frame.empty:
        return marks.message(figure, f"All {rows.diverged} selected runs diverged.")
    figure = tell_apart(figure, rows.frame)
    value = figure.y[0]
    data = rows.frame.assign(x=rows.frame[figure.x])
    zero = data[(data[value] == 0) & (data["x"] > 0)]
    data = data[(data[value] > 0) & ((data["x"] > 0) | (figure.x_scale == "linear"))]
    notes = []
    if not zero.empty and figure.colour is not None:
        exact = [
            columns.value_text(figure.colour, key)
            for key in in_order(zero[figure.colour])
            if not (data[figure.colour] == key).any()
        ]
        notes.append(
            f"exactly 0: {', '.join(exact)}" if exact else "values of exactly 0 are not on the logarithmic axis"
        )
    if data.empty:
        return marks.message(figure, "Every difference is exactly 0.", rows.diverged)
    summary = summarise(figure, data, [*groups_of(figure), "x"], value, geometric=True)
    orders = {name: in_order(data[name]) for name in groups_of(figure)}
    points, panels = marks.facet_text(figure, sort_for_drawing(summary.frame, orders, ["x"]))
    wide = marks.is_wide(figure, data)
    width, height, across = marks.panel_size(max(1, len(panels)), beside=not wide)
    title = marks.capital(columns.quantity(value).axis)
    low, high = float(points["mean"].min()), float(points["mean"].max())
    detail = [alt.Detail(f"{figure.dash}:N")] if figure.dash else []
    kinds = in_order(points[figure.dash]) if figure.dash else []
    heading = marks.legend_title(figure.dash) if figure.dash else None
    base = alt.Chart().encode(
        x=marks.x_axis(figure, points["x"], width), color=marks.colour(figure, points, wide), detail=detail
    )
    # Wide intervals of a few seeds must not flatten the lines.
    low = max(low / 3, float(points["low"].fillna(points["mean"]).min()))
    high = min(high * 3, float(points["high"].fillna(points["mean"]).max()))
    name = marks.y_name(figure, title, height)
    y = marks.y_axis(figure, name, low, high)
    layers: list[Any] = []
    if points["low"].notna().any():
        band = base.mark_area(opacity=0.15, clip=True, strokeWidth=0)
        layers.append(band.encode(y=alt.Y("low:Q", title=name), y2="high:Q"))
    tips = [
        alt.Tooltip("x:Q", title=columns.quantity(figure.x or "").title),
        alt.Tooltip(f"{figure.colour}:N", title=(figure.colour or "").replace("_", " ")),
        alt.Tooltip("mean:Q", title=title, format=".3~g"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    dash = marks.dash(kinds, heading, wide, figure.dash or "series")
    layers.append(base.mark_line(clip=True).encode(y=y, strokeDash=dash, tooltip=tips))
    if points["x"].nunique() <= MOST_POINTS:
        layers.append(base.mark_point(size=22, opacity=1, clip=True).encode(y=y, tooltip=tips))
    layers += marks.references(figure)
    layer = alt.layer(*layers, data=marks.drawn_columns(figure, points))
    chart = marks.faceted(layer.properties(width=width, height=height), figure, panels, across)
    text = marks.seeds_text(summary.smallest, summary.largest, what="geometric mean")
    return marks.finish(chart, figure, [text, *notes], rows.diverged)
