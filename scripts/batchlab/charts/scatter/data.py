"""The numbers of a scatter: the selected rows, with values that both axes can show."""

from __future__ import annotations

import pandas as pd

from batchlab.charts.averaging import counts, in_drawing_order, in_order, note, significant, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.rows import Rows


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return one row for each dot.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `along` and scales are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `dot`: the columns of the groups, `seed`, `x` and `y` in the units of the axes, and `along`
        if the dots of a run are joined; a row with the mark `beyond` says how many have no place on the axes; and rows
        with other marks.
    """
    frame, (y,) = rows.frame, figure.y
    if frame.empty:
        return counts(0, rows.diverged)
    axes = {"x": (figure.x, figure.option("x_scale")), "y": (y, figure.option("y_scale"))}
    shown = pd.Series(True, index=frame.index)
    for name, scale in axes.values():
        shown &= frame[name].notna() & ((scale == "linear") | (frame[name] > 0))
    values = {axis: significant(frame[name] * quantity(figure, name).factor) for axis, (name, _) in axes.items()}
    along = figure.option("along")
    order = {} if along is None else {"along": frame[along]}
    dots = frame[figure.groups("seed")].assign(mark="dot", **order, **values)[shown]
    orders = {name: in_order(frame[name]) for name in figure.groups()}
    dots = in_drawing_order(figure, dots, orders, ["seed", *order, "x", "y"])
    beyond = [note("beyond", n=int((~shown).sum()))] if not shown.all() else []
    drawn = dots[["mark", *figure.groups("seed"), *order, "x", "y"]]
    return stacked(drawn, *beyond, counts(len(frame), rows.diverged))
