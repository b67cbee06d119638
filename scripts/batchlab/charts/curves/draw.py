"""Learning curves: mean over seeds with its interval, along epochs, updates, examples or seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from batchlab.charts import marks
from batchlab.charts import words as columns
from batchlab.charts.aggregate import Summary, groups_of, in_order, sort_for_drawing, summarise, tell_apart
from batchlab.charts.figure import Figure, Rows

# Unseen points are what a pointer catches in the interactive figure; too many of them swell the files.
_MOST_TARGETS = 500

# Test is what a reader looks for, so it gets the solid line.
_ORDER = {"test": 0, "train": 1, "validation": 2}


def series_of(columns_: Sequence[str]) -> dict[str, str]:
    """Return column → series name for the columns of one axis, in the order of the dashes."""
    names = {column: columns.series_name(column) for column in columns_}
    return dict(sorted(names.items(), key=lambda item: _ORDER.get(item[1], 3)))


def axes_of(figure: Figure) -> list[tuple[str, ...]]:
    """Return the columns of each axis: one axis, or with `panels` one per quantity (loss, accuracy)."""
    if not figure.panels:
        return [figure.y]
    kinds: dict[str, list[str]] = {}
    for column in figure.y:
        kinds.setdefault(columns.split_name(column)[1], []).append(column)
    if len(kinds) == 1:
        return [(column,) for column in figure.y]
    return [tuple(group) for group in kinds.values()]


def along(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with an `x` column that is equal over seeds.

    Seconds differ from seed to seed; points are then joined by epoch and drawn at their mean time.
    """
    assert figure.x is not None
    if figure.x != "seconds" or "epoch" not in rows:
        return rows.assign(x=rows[figure.x])
    keys = [*groups_of(figure, "epoch"), *(["arm"] if "arm" in rows else [])]
    return rows.assign(x=rows.groupby(list(dict.fromkeys(keys)), dropna=False)["seconds"].transform("mean"))


def _axis(figure: Figure, rows: pd.DataFrame, wanted: Sequence[str]) -> tuple[pd.DataFrame, list[Summary]]:
    """Return the points of one axis and the summaries behind them."""
    shared = columns.common_quantity(wanted, figure.table)
    frames, summaries = [], []
    for column, name in series_of(wanted).items():
        usable = rows[rows[column] > 0] if figure.y_scale == "log" else rows
        summary = summarise(figure, usable, [*groups_of(figure), "x"], column, factor=shared.factor)
        frames.append(summary.frame.assign(series=name))
        summaries.append(summary)
    return pd.concat(frames, ignore_index=True), summaries


def draw(figure: Figure, rows: Rows) -> Any:
    """Draw mean curves with a 95 % t interval over seeds.

    Several `y` columns are told apart by dashes (test solid, train dashed), or by panels with `panels: true`.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels` and scales are read.
        rows: Selected rows.

    Returns:
        An Altair chart.

    Raises:
        BatchlabError: Arms or rows cannot be told apart.
    """
    if rows.frame.empty:
        return marks.message(figure, f"All {rows.diverged} selected runs diverged.")
    figure = tell_apart(figure, rows.frame)
    data = along(figure, rows.frame)
    notes = []
    if figure.x_scale != "linear":
        if (data["x"] <= 0).any():
            notes.append(f"{columns.quantity(figure.x or '').title} 0 is not on the logarithmic axis")
        data = data[data["x"] > 0]
    wide = marks.is_wide(figure, data)
    axes = axes_of(figure)
    panels = data[figure.facet].nunique() if figure.facet else len(axes)
    has_dash = figure.dash is not None or any(len(axis) > 1 for axis in axes)
    beside = not wide and (figure.colour is not None or has_dash)
    width, height, across = marks.panel_size(panels, beside, own_axes=figure.facet is None)
    orders = {name: in_order(data[name]) for name in groups_of(figure)}
    charts, summaries = [], []
    for wanted in axes:
        points, parts = _axis(figure, data, wanted)
        summaries += parts
        if points.empty:
            continue
        points = sort_for_drawing(points, orders, ["series", "x"])
        charts.append(_chart(figure, points, wanted, wide, (width, height, across)))
    if not charts:
        return marks.message(figure, "The selected rows hold no value that can be drawn.", rows.diverged)
    joined = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=1 if figure.facet else across)
    notes.insert(0, marks.seeds_text(*marks.seeds_of(summaries)))
    return marks.finish(joined, figure, notes, rows.diverged)


def _chart(figure: Figure, points: pd.DataFrame, wanted: Sequence[str], wide: bool, size: tuple[int, int, int]) -> Any:
    title = columns.common_quantity(wanted, figure.table).axis
    points, panels = marks.facet_text(figure, points)
    points["x"] = points["x"].map(lambda value: float(f"{value:.6g}"))
    low, high = float(points["mean"].min()), float(points["mean"].max())
    if figure.y_scale == "log":
        # An interval around a small mean can reach below zero, where a logarithmic axis has no place.
        points["low"] = points["low"].clip(lower=low * 0.9)
    elif figure.y_domain is None:
        low = min(low, float(points["low"].min()))
    names = list(series_of(wanted).values())
    by, values, heading = ("series", names, None)
    if figure.dash is not None:
        by, values, heading = (figure.dash, in_order(points[figure.dash]), marks.legend_title(figure.dash))
    dash = marks.dash(values, heading, wide, by)
    detail = [alt.Detail(f"{by}:N")]
    x = marks.x_axis(figure, points["x"], size[0])
    name = marks.y_name(figure, title, size[1])
    y = marks.y_axis(figure, name, low, high)
    base = alt.Chart().encode(x=x, color=marks.colour(figure, points, wide))
    layers: list[Any] = []
    if points["low"].notna().any():
        band = base.mark_area(opacity=0.15, clip=True, strokeWidth=0)
        layers.append(band.encode(y=alt.Y("low:Q", title=name), y2="high:Q", detail=detail))
    tips = tooltip(figure, points, title)
    line = base.mark_line(clip=True) if figure.x_domain or figure.y_domain else base.mark_line()
    layers.append(line.encode(y=y, strokeDash=dash, detail=detail, tooltip=tips))
    few = points.groupby([*groups_of(figure), "series"], dropna=False)["x"].nunique().max() <= 12
    if few or len(points) <= _MOST_TARGETS:
        dots = base.mark_point(size=26 if few else 40, opacity=1 if few else 0, clip=True)
        layers.append(dots.encode(y=y, detail=detail, tooltip=tips))
    layers += marks.references(figure)
    layer = alt.layer(*layers, data=marks.drawn_columns(figure, points)).properties(width=size[0], height=size[1])
    return marks.faceted(layer, figure, panels, size[2])


def tooltip(figure: Figure, points: pd.DataFrame, title: str) -> list[Any]:
    """Return what the interactive figure shows under the pointer."""
    tips = [alt.Tooltip("x:Q", title=columns.quantity(figure.x or "x").title, format="~g")]
    named = [c for c in dict.fromkeys((figure.colour, figure.dash)) if c is not None]
    tips += [alt.Tooltip(f"{column}:N", title=column.replace("_", " ")) for column in named]
    if points["series"].nunique() > 1:
        tips.append(alt.Tooltip("series:N", title="series"))
    tips.append(alt.Tooltip("mean:Q", title=title, format=".5~g"))
    for end in ("low", "high"):
        tips.append(alt.Tooltip(f"{end}:Q", title=f"95 % interval, {end}", format=".5~g"))
    return [*tips, alt.Tooltip("n:Q", title="seeds")]
