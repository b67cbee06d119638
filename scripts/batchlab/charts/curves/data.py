"""The numbers of learning curves: mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from batchlab.charts.averaging import counts, in_drawing_order, in_order, means, note, significant, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import axes_of, quantity
from batchlab.charts.rows import Rows
from batchlab.charts.telling import tell_apart


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return the points of mean curves with their 95 % t intervals over seeds.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels` and scales are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, the columns of the groups, `x`, `mean`, `low`, `high` in the unit of the
        axis, and `n`; and rows with other marks that say what no point does.

    Raises:
        BatchlabError: Arms or rows cannot be told apart.
    """
    if rows.frame.empty:
        return counts(0, rows.diverged)
    figure, told = tell_apart(figure, rows.frame)
    frame = along(figure, rows.frame)
    beyond = []
    if figure.option("x_scale") != "linear":
        if (frame["x"] <= 0).any():
            beyond.append(note("beyond", column=figure.x, n=int((frame["x"] <= 0).sum())))
        frame = frame[frame["x"] > 0]
    orders = {name: in_order(frame[name]) for name in figure.groups()}
    axes = [_axis(figure, frame, wanted, orders) for wanted in axes_of(figure)]
    return stacked(*axes, counts(len(rows.frame), rows.diverged), *told, *beyond)


def along(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with an `x` column that is equal over seeds.

    Seconds differ from seed to seed; points are then joined by epoch and drawn at their mean time.
    """
    if figure.x != "seconds" or "epoch" not in rows:
        return rows.assign(x=rows[figure.x])
    keys = [*figure.groups("epoch"), *(["arm"] if "arm" in rows else [])]
    return rows.assign(x=rows.groupby(list(dict.fromkeys(keys)), dropna=False)["seconds"].transform("mean"))


def _axis(figure: Figure, rows: pd.DataFrame, wanted: Sequence[str], orders: dict[str, list[object]]) -> pd.DataFrame:
    """Return the points of one axis."""
    factor = quantity(figure, *wanted).factor
    logarithmic = figure.option("y_scale") == "log"
    frames = []
    for column in wanted:
        usable = rows[rows[column] > 0] if logarithmic else rows
        points = means(figure, usable, [*figure.groups(), "x"], column, factor=factor)
        frames.append(points.assign(mark="mean", column=column))
    points = pd.concat(frames, ignore_index=True)
    points = in_drawing_order(figure, points, orders, ["x"])
    if logarithmic:
        # An interval around a small mean can reach below zero, where a logarithmic axis has no place.
        points["low"] = points["low"].clip(lower=points["mean"].min() * 0.9)
    points["x"] = significant(points["x"])
    return points[["mark", "column", *figure.groups(), "x", "mean", "low", "high", "n"]]
