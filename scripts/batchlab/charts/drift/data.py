"""The numbers of growing differences: geometric means over seeds, update by update."""

from __future__ import annotations

import pandas as pd

from batchlab.charts.averaging import counts, in_drawing_order, in_order, means, medians, note, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.rows import Rows
from batchlab.charts.telling import tell_apart


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return differences that are not 0, as means over seeds, and which groups have differences of exactly 0.

    Differences spread over decades, so means and intervals over seeds are those of the logarithm (geometric mean).

    Args:
        figure: Its `x`, `y`, `colour`, `dash`, `facet`, `spread` and `x_scale` are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, the columns of the groups, `x`, `mean`, `low`, `high`, `n` (with
        `spread: seeds` the median, and rows with the mark `seed` and each seed's `value`); rows with the mark `zero`: a
        value of the colours and its number of zeros; and rows with other marks.

    Raises:
        BatchlabError: Arms or rows cannot be told apart.
    """
    if rows.frame.empty:
        return counts(0, rows.diverged)
    figure, told = tell_apart(figure, rows.frame)
    (value,) = figure.y
    frame = rows.frame.assign(x=rows.frame[figure.x])
    zero = frame[(frame[value] == 0) & (frame["x"] > 0)]
    frame = frame[(frame[value] > 0) & ((frame["x"] > 0) | (figure.option("x_scale") == "linear"))]
    keys, orders = [*figure.groups(), "x"], {name: in_order(frame[name]) for name in figure.groups()}
    each = []
    if figure.option("spread") == "seeds":
        points, seeds = medians(figure, frame, keys, value)
        seeds = in_drawing_order(figure, seeds.assign(mark="seed", column=value), orders, ["seed", "x"])
        each = [seeds[["mark", "column", *keys, "seed", "value"]]]
    else:
        points = means(figure, frame, keys, value, geometric=True)
    points = in_drawing_order(figure, points.assign(mark="mean", column=value), orders, ["x"])
    points = points[["mark", "column", *keys, "mean", "low", "high", "n"]]
    colour = str(figure.colour)
    zeros = [note("zero", **{colour: key}, n=int((zero[colour] == key).sum())) for key in in_order(zero[colour])]
    return stacked(points, *each, counts(len(rows.frame), rows.diverged), *told, *zeros)
