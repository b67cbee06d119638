"""One value per arm against batch size, learning rate or another quantity, with intervals."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from batchlab.charts import marks, theme
from batchlab.charts import words as columns
from batchlab.charts.aggregate import Summary, groups_of, in_order, significant, sort_for_drawing, summarise, tell_apart
from batchlab.charts.curves.draw import axes_of, series_of
from batchlab.charts.figure import Figure, Rows


def _with_bars(figure: Figure, rows: pd.DataFrame, summary: Summary, factor: float) -> pd.DataFrame:
    """Return the points with what is drawn around and beside them: the table's own error, its prediction."""
    frame, keys = summary.frame, [*groups_of(figure), "x"]
    extra = [column for column in (figure.error, figure.predicted) if column is not None]
    if extra:
        means = rows.groupby(keys, dropna=False, sort=False)[extra].mean().mul(factor).reset_index()
        frame = frame.merge(means, on=keys, how="left")
    if figure.error is not None:
        frame["low"] = significant(frame["mean"] - frame[figure.error])
        frame["high"] = significant(frame["mean"] + frame[figure.error])
    frame["predicted"] = significant(frame[figure.predicted]) if figure.predicted is not None else float("nan")
    return frame.drop(columns=extra)


def draw(figure: Figure, rows: Rows) -> Any:
    """Draw mean and interval over seeds per arm, joined by lines.

    Bars are the 95 % t interval over seeds, or ± the column `error`; the column `predicted` is a dashed line. With
    several `y` columns the first is filled and solid, the others open and dashed.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `error`, `predicted` and scales are read.
        rows: Selected rows.

    Returns:
        An Altair chart.

    Raises:
        BatchlabError: Arms or rows cannot be told apart.
    """
    if rows.frame.empty:
        return marks.message(figure, f"All {rows.diverged} selected runs diverged.")
    figure = tell_apart(figure, rows.frame)
    data = rows.frame.assign(x=rows.frame[figure.x])
    data = data[data["x"] > 0] if figure.x_scale != "linear" else data
    wide = marks.is_wide(figure, data)
    axes = axes_of(figure)
    panels = data[figure.facet].nunique() if figure.facet else len(axes)
    has_dash = figure.dash is not None or any(len(axis) > 1 for axis in axes)
    beside = not wide and (figure.colour not in (None, figure.x) or has_dash)
    size = marks.panel_size(panels, beside, own_axes=figure.facet is None)
    orders = {name: in_order(data[name]) for name in groups_of(figure)}
    charts, summaries = [], []
    for wanted in axes:
        shared = columns.common_quantity(wanted, figure.table)
        frames = []
        for column, name in series_of(wanted).items():
            usable = data[data[column] > 0] if figure.y_scale == "log" else data
            summary = summarise(figure, usable, [*groups_of(figure), "x"], column, factor=shared.factor)
            summaries.append(summary)
            frames.append(_with_bars(figure, usable, summary, shared.factor).assign(series=name))
        points = pd.concat(frames, ignore_index=True)
        if not points.empty:
            points = sort_for_drawing(points, orders, ["series", "x"])
            charts.append(_chart(figure, points, list(series_of(wanted).values()), shared.axis, wide, size))
    if not charts:
        return marks.message(figure, "The selected rows hold no value that can be drawn.", rows.diverged)
    joined = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=1 if figure.facet else size[2])
    return marks.finish(joined, figure, [_bars_text(figure, data, summaries), _prediction_text(figure)], rows.diverged)


def _bars_text(figure: Figure, data: pd.DataFrame, summaries: list[Summary]) -> str:
    smallest, largest = marks.seeds_of(summaries)
    if figure.error is None:
        return marks.seeds_text(smallest, largest, drawn="bars")
    trials = (
        f" over n = {int(data['trials'].max())} trials" if "trials" in data and data["trials"].notna().any() else ""
    )
    what = "standard deviation" if figure.error.endswith("std") else figure.error.replace("_", " ")
    return f"Bars: ± {what}{trials}" + (f", averaged over {largest} seeds" if largest > 1 else ", one seed")


def _prediction_text(figure: Figure) -> str:
    return f"dashed grey: {columns.quantity(figure.predicted, figure.table).title}" if figure.predicted else ""


def _chart(
    figure: Figure, points: pd.DataFrame, names: list[str], title: str, wide: bool, size: tuple[int, int, int]
) -> Any:
    points, panels = marks.facet_text(figure, points)
    values = points["mean"]
    low, high = float(values.min()), float(values.max())
    if figure.y_scale == "log":
        # A bar can reach below zero, where a logarithmic axis has no place.
        points["low"] = points["low"].where(points["low"] > 0, low * 0.9)
        low, high = min(low, float(points["low"].min())), max(high, float(points["high"].max()))
    same = figure.colour is not None and figure.colour == figure.x
    by, kinds, heading = ("series", names, None)
    if figure.dash is not None:
        by, kinds, heading = (figure.dash, in_order(points[figure.dash]), marks.legend_title(figure.dash))
    detail = [alt.Detail(f"{by}:N")]
    y_name = marks.y_name(figure, title, size[1])
    x = marks.x_axis(figure, points["x"], size[0])
    y = marks.y_axis(figure, y_name, low, high)
    tint = marks.colour(figure, points, wide, legend=not same)
    line_tint = alt.value("#a9b0b8") if same else tint
    tips = [
        alt.Tooltip("x:Q", title=columns.quantity(figure.x or "x").title),
        *(alt.Tooltip(f"{c}:N", title=c.replace("_", " ")) for c in groups_of(figure) if c != figure.x),
        alt.Tooltip("mean:Q", title=title, format=".5~g"),
        alt.Tooltip("low:Q", title="low", format=".5~g"),
        alt.Tooltip("high:Q", title="high", format=".5~g"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    base = alt.Chart().encode(x=x)
    layers: list[Any] = []
    if points["predicted"].notna().any():
        dashed = base.mark_line(strokeDash=[3, 3], strokeWidth=1.4, color=theme.GREY)
        own = [alt.Detail(f"{name}:N") for name in (by, figure.colour) if name is not None and name != figure.x]
        layers.append(dashed.encode(y=alt.Y("predicted:Q", title=y_name), detail=own))
    line = base.mark_line(strokeWidth=1.5)
    layers.append(line.encode(y=y, color=line_tint, strokeDash=marks.dash(kinds, heading, wide, by), detail=detail))
    if points["low"].notna().any():
        bars = base.mark_rule(strokeWidth=1.5)
        layers.append(bars.encode(y=alt.Y("low:Q", title=y_name), y2="high:Q", color=tint, detail=detail))
    fill: Any = alt.value(1)
    if len(kinds) > 1:
        fill = alt.condition(f"datum[{by!r}] === {kinds[0]!r}", alt.value(1), alt.value(0))
        # An open symbol would let lines and bars show through.
        layers.append(base.mark_point(size=52, opacity=1, color="white").encode(y=y, detail=detail))
    dots = base.mark_point(size=52, opacity=1, strokeWidth=1.6, filled=False)
    filled = base.mark_point(size=52, opacity=1)
    layers.append(filled.encode(y=y, color=tint, fillOpacity=fill, strokeOpacity=alt.value(0), detail=detail))
    layers.append(dots.encode(y=y, color=tint, detail=detail, tooltip=tips))
    layers += marks.references(figure)
    layer = alt.layer(*layers, data=marks.drawn_columns(figure, points))
    return marks.faceted(layer.properties(width=size[0], height=size[1]), figure, panels, size[2])
