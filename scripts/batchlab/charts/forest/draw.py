"""A few arms compared by name: one row each, with mean and interval."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from batchlab.charts import marks, theme
from batchlab.charts import words as columns
from batchlab.charts.aggregate import groups_of, in_order, significant, summarise, tell_apart
from batchlab.charts.curves.draw import axes_of, series_of
from batchlab.charts.figure import Figure, Rows
from batchlab.tables.rounding import decimals


def draw(figure: Figure, rows: Rows) -> Any:
    """Draw one row per arm with the mean over seeds, its 95 % t interval, every seed, and the number in words.

    Args:
        figure: `x` names the rows (default `label`), `y` the values; `colour`, `facet`, `panels`, `reference` and
            `sort` (`table` or `value`) are read.
        rows: Selected rows.

    Returns:
        An Altair chart.

    Raises:
        BatchlabError: Several rows of one seed fall on one point.
    """
    if rows.frame.empty:
        return marks.message(figure, f"All {rows.diverged} selected runs diverged.")
    names = figure.x or "label"
    figure = tell_apart(replace(figure, x=names), rows.frame)
    # Dashes mean nothing here: what would be a dash is a panel.
    figure = replace(figure, facet=figure.facet or figure.dash, dash=None)
    frame = rows.frame
    charts, summaries = [], []
    axes = axes_of(figure)
    if figure.colour not in (None, names):
        axes = [(column,) for column in figure.y]
    for wanted in axes:
        shared = columns.common_quantity(wanted, figure.table)
        series = series_of(wanted)
        parts, seeds = [], []
        for column, name in series.items():
            summary = summarise(figure, frame, [*groups_of(figure), names], column, factor=shared.factor)
            summaries.append(summary)
            parts.append(summary.frame.assign(series=name))
            keys = list(dict.fromkeys([*groups_of(figure), names]))
            each = frame[frame[column].notna()][[*keys, column]].rename(columns={column: "value"})
            seeds.append(
                each.assign(series=name, value=significant(each["value"] * shared.factor)).sort_values("value")
            )
        if any(len(part) for part in parts):
            charts.append(_chart(figure, names, pd.concat(parts), pd.concat(seeds), list(series.values()), shared.axis))
    if not charts:
        return marks.message(figure, "The selected rows hold no value that can be drawn.", rows.diverged)
    joined = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=1)
    notes = [marks.seeds_text(*marks.seeds_of(summaries), drawn="bars"), "small dots: single seeds"]
    return marks.finish(joined, figure, notes, rows.diverged)


def _chart(figure: Figure, names: str, points: pd.DataFrame, seeds: pd.DataFrame, series: list[str], title: str) -> Any:
    order = in_order(points[names])
    if figure.sort == "value":
        means = points[points["series"] == series[0]].groupby(names)["mean"].max()
        order = sorted(order, key=lambda key: -float(means.get(key, float("-inf"))))
    by = figure.colour if figure.colour not in (None, names) else "series"
    kinds = in_order(points[by])
    if by == "series":
        kinds = series
    several = len(kinds) > 1
    points = points.assign(text=[_words(row) for row in points.to_dict("records")])
    points = points.sort_values(["series", names], key=lambda c: c.map(_ranks(series, order, c.name)), kind="stable")
    points, panels = marks.facet_text(figure, points)
    seeds = seeds.sort_values(["series", names], key=lambda c: c.map(_ranks(series, order, c.name)), kind="stable")
    seeds, _ = marks.facet_text(figure, seeds)
    longest = max(len(columns.value_text(names, key)) for key in order)
    width = marks.WIDTH - min(230, 7 * longest) - 110
    band = 26 if not several else 12 + 14 * len(kinds)
    expression = marks.labels_expression(names, order)
    y = alt.Y(
        f"{names}:{'O' if pd.api.types.is_numeric_dtype(points[names]) else 'N'}",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=230, labelExpr=expression, grid=True, domain=False, ticks=False, labelPadding=8),
    )
    offset: dict[str, Any] = (
        {"yOffset": alt.YOffset(f"{by}:N", sort=kinds, scale=alt.Scale(paddingOuter=0.35))} if several else {}
    )
    tint: Any = _above(marks.colour(replace(figure, colour=by), points)) if several else alt.value(theme.CATEGORIES[0])
    if figure.colour == names == "batch_size":
        tint = marks.colour(figure, points, legend=False)
    axis = alt.Scale(zero=False, nice=True, domain=list(figure.x_domain)) if figure.x_domain else alt.Scale(zero=False)
    x_name = figure.x_title or marks.capital(title)
    x = alt.X("mean:Q", title=x_name, scale=axis, axis=alt.Axis(grid=True, tickCount=6))
    base = alt.Chart(points).encode(y=y, color=tint, **offset)
    layers: list[Any] = []
    dots = alt.Chart(seeds).encode(y=y, color=tint, **offset).mark_point(size=12, opacity=0.45)
    layers.append(dots.encode(x=alt.X("value:Q", title=x_name)))
    if points["low"].notna().any():
        layers.append(base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=x_name), x2="high:Q"))
    tips = [
        alt.Tooltip(f"{names}:N", title=names),
        alt.Tooltip("text:N", title=title),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    layers.append(base.mark_point(size=60, opacity=1).encode(x=x, tooltip=tips))
    text = alt.Chart(points).encode(y=y, **offset).mark_text(align="left", fontSize=11, dx=10, color=theme.INK)
    layers.append(text.encode(x=alt.value(width), text="text:N"))
    for item in figure.reference:
        value, label = (item["value"], item.get("label", "")) if isinstance(item, dict) else (item, "")
        line = alt.Chart(alt.Data(values=[{"value": value, "label": label}])).encode(x=alt.X("value:Q"))
        layers.append(line.mark_rule(color=theme.GREY, strokeDash=[4, 3], strokeWidth=1))
        if label:
            layers.append(line.mark_text(color=theme.GREY, fontSize=11, dy=-7).encode(y=alt.value(0), text="label:N"))
    height = band * len(order)
    if not panels:
        return alt.layer(*layers).properties(width=width, height=height)
    rows = []
    for panel in panels:
        # Every layer gets the rows of its panel; the shared colour scale keeps one legend.
        own = [_of_panel(layer, panel) for layer in layers]
        rows.append(
            alt.layer(*own).properties(width=width, height=height, title=alt.TitleParams(panel, fontSize=12, offset=6))
        )
    return alt.concat(*rows, columns=1).resolve_scale(x="shared")


def _above(colour: Any) -> Any:
    """Return the colour with its legend above the panel: beside it stand the numbers."""
    if isinstance(colour, alt.Color):
        colour["legend"]["orient"], colour["legend"]["direction"], colour["legend"]["columns"] = "top", "horizontal", 0
        colour["legend"]["symbolType"] = "circle"
    return colour


def _of_panel(layer: Any, panel: str) -> Any:
    copy = layer.copy()
    if isinstance(copy.data, pd.DataFrame):
        copy.data = copy.data[copy.data["panel"] == panel]
    return copy


def _ranks(series: list[str], order: list[Any], name: Any) -> dict[Any, int]:
    return {value: rank for rank, value in enumerate(series if name == "series" else order)}


def _words(row: dict[Any, Any]) -> str:
    """Return mean and half width of the interval with the digits that the interval supports."""
    half = (row["high"] - row["low"]) / 2
    if not half > 0:
        return f"{row['mean']:.4g}"
    digits = max(0, decimals(half))
    return f"{row['mean']:.{digits}f} ± {half:.{digits}f}"
