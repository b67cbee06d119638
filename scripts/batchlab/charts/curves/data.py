"""The numbers of learning curves: mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from batchlab.charts.averaging import (
    counts,
    in_drawing_order,
    in_order,
    means,
    medians,
    note,
    significant,
    stacked,
    subtracted,
)
from batchlab.charts.expected_values import regions
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import axes_of, quantity
from batchlab.charts.rows import Rows
from batchlab.charts.telling import tell_apart


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return the points of mean curves with their 95 % t intervals over seeds.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels`, `spread`, `minus` and scales are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, the columns of the groups, `x`, `mean`, `low`, `high` in the unit of the
        axis, and `n`; means on a logarithmic axis are geometric. With `spread: seeds` `mean` is the median, and rows
        with the mark `seed` hold each seed's `value`. Rows with the mark `change` have the `x` at which an arm changes
        batch size or learning rate, those with the mark `region` what was published; others say what no point does.

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
    if figure.option("minus") is not None:
        frame = subtracted(figure, frame, figure.y)
    orders = {name: in_order(frame[name]) for name in figure.groups()}
    axes = [part for wanted in axes_of(figure) for part in _axis(figure, frame, wanted, orders)]
    behind = [regions(figure, rows, wanted) for wanted in axes_of(figure)]
    shown = [epoch for epoch in figure.changes if frame["x"].min() < epoch < frame["x"].max()]
    changes = [note("change", x=float(epoch)) for epoch in shown]
    return stacked(*axes, *behind, *changes, counts(len(rows.frame), rows.diverged), *told, *beyond)


def along(figure: Figure, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with an `x` column that is equal over seeds.

    Seconds differ from seed to seed; points are then joined by epoch and drawn at their mean time.
    """
    if figure.x != "seconds" or "epoch" not in rows:
        return rows.assign(x=rows[figure.x])
    keys = [*figure.groups("epoch"), *(["arm"] if "arm" in rows else [])]
    return rows.assign(x=rows.groupby(list(dict.fromkeys(keys)), dropna=False)["seconds"].transform("mean"))


def _axis(
    figure: Figure, rows: pd.DataFrame, wanted: Sequence[str], orders: dict[str, list[object]]
) -> list[pd.DataFrame]:
    """Return the points of one axis, and those of single seeds if they are drawn."""
    factor = quantity(figure, *wanted).factor
    logarithmic = figure.option("y_scale") == "log"
    keys = [*figure.groups(), "x"]
    frames, single = [], []
    for column in wanted:
        usable = rows[rows[column] > 0] if logarithmic else rows
        if figure.option("spread") == "seeds":
            points, seeds = medians(figure, usable, keys, column, factor=factor)
            single.append(seeds.assign(mark="seed", column=column))
        else:
            points = means(figure, usable, keys, column, factor=factor, geometric=logarithmic)
        frames.append(points.assign(mark="mean", column=column))
    named = ["mark", "column", *keys]
    points = _placed(figure, frames, orders, ["x"])[[*named, "mean", "low", "high", "n"]]
    each = [_placed(figure, single, orders, ["seed", "x"])[[*named, "seed", "value"]]] if single else []
    return [points, *each]


def _placed(
    figure: Figure, frames: Sequence[pd.DataFrame], orders: dict[str, list[object]], then: Sequence[str]
) -> pd.DataFrame:
    points = in_drawing_order(figure, pd.concat(frames, ignore_index=True), orders, then)
    return points.assign(x=significant(points["x"]))
