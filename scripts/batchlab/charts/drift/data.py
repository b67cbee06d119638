"""The numbers of growing differences: geometric means over seeds, update by update."""

from __future__ import annotations

import pandas as pd

from batchlab.charts.averaging import counts, in_drawing_order, in_order, means, note, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.rows import Rows
from batchlab.charts.telling import tell_apart


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return differences that are not 0, as means over seeds, and which groups have differences of exactly 0.

    Differences spread over decades, so means and intervals over seeds are those of the logarithm (geometric mean).

    Args:
        figure: Its `x`, `y`, `colour`, `dash`, `facet` and `x_scale` are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, the columns of the groups, `x`, `mean`, `low`, `high`, `n`; rows with the
        mark `zero`: a value of the colours and its number of zeros; and rows with other marks.

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
    points = means(figure, frame, [*figure.groups(), "x"], value, geometric=True)
    orders = {name: in_order(frame[name]) for name in figure.groups()}
    points = in_drawing_order(figure, points.assign(mark="mean", column=value), orders, ["x"])
    points = points[["mark", "column", *figure.groups(), "x", "mean", "low", "high", "n"]]
    colour = str(figure.colour)
    zeros = [note("zero", **{colour: key}, n=int((zero[colour] == key).sum())) for key in in_order(zero[colour])]
    return stacked(points, counts(len(rows.frame), rows.diverged), *told, *zeros)
