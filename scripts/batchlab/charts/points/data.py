"""The numbers of points: one mean per arm, with an interval and perhaps a prediction."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from batchlab.charts.averaging import counts, in_drawing_order, in_order, means, note, significant, stacked
from batchlab.charts.expected_values import regions
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import axes_of, quantity
from batchlab.charts.rows import Rows
from batchlab.charts.telling import tell_apart
from batchlab.tables.open_ends import GRID_END


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return mean and interval over seeds per arm.

    The interval is the 95 % t interval over seeds, or ± the column `error`.

    Args:
        figure: Its `x`, `y`, `colour`, `facet`, `dash`, `panels`, `error`, `predicted`, `reached` and scales are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, the columns of the groups, `x`, `mean`, `low`, `high` and `predicted` in
        the unit of the axis, `n`, and `censored`, how many of the runs ended before their target; a mean over these is
        a lower bound and has no interval. Means on a logarithmic axis are geometric. Rows with the mark `region` hold
        what was published, those with `grid_end` in `x` the batch sizes whose tuned rate, or range of rates, lies at
        an end of those that were tried; others say what no point does.

    Raises:
        BatchlabError: Arms or rows cannot be told apart.
    """
    if rows.frame.empty:
        return counts(0, rows.diverged)
    figure, told = tell_apart(figure, rows.frame)
    frame = rows.frame.assign(x=rows.frame[figure.x])
    frame = frame[frame["x"] > 0] if figure.option("x_scale") != "linear" else frame
    orders = {name: in_order(frame[name]) for name in figure.groups()}
    axes = [_axis(figure, frame, wanted, orders) for wanted in axes_of(figure)]
    behind = [regions(figure, rows, wanted) for wanted in axes_of(figure)]
    return stacked(
        *axes, *behind, counts(len(rows.frame), rows.diverged), *told, *_behind(figure, frame), *_ends(frame)
    )


def _ends(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Return a row for each batch size of which some run has a rate at an end of those that were tried."""
    named = [name for name in (GRID_END, "beyond") if name in rows]
    if not named or "batch_size" not in rows:
        return []
    at_end = pd.concat([rows[name].fillna("").astype(str).ne("") for name in named], axis=1).any(axis=1)
    return [note("grid_end", x=size) for size in sorted(rows.loc[at_end, "batch_size"].unique())]


def _behind(figure: Figure, rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the row with the number of trials behind bars of the table's own error, or of seeds behind its rows."""
    if "seed" not in rows and "seeds" in rows:
        return [note("seeds", n=int(rows["seeds"].max()))]
    if figure.option("error") is None or "trials" not in rows or not rows["trials"].notna().any():
        return []
    return [note("trials", n=int(rows["trials"].max()))]


def _axis(figure: Figure, rows: pd.DataFrame, wanted: Sequence[str], orders: dict[str, list[object]]) -> pd.DataFrame:
    """Return the points of one axis."""
    factor = quantity(figure, *wanted).factor
    logarithmic = figure.option("y_scale") == "log"
    usable = [(column, rows[rows[column] > 0] if logarithmic else rows) for column in wanted]
    frames = [_with_bars(figure, part, column, factor).assign(mark="mean", column=column) for column, part in usable]
    points = pd.concat(frames, ignore_index=True)
    points = in_drawing_order(figure, points, orders, ["x"])
    if logarithmic:
        # A bar of the table's own error can reach below zero, where a logarithmic axis has no place.
        points["low"] = points["low"].where(~(points["low"] <= 0), points["mean"].min() * 0.9)
    return points[["mark", "column", *figure.groups(), "x", "mean", "low", "high", "predicted", "censored", "n"]]


def _with_bars(figure: Figure, rows: pd.DataFrame, value: str, factor: float) -> pd.DataFrame:
    """Return the means with what is drawn around and beside them: the table's own error, its prediction."""
    keys, error, predicted = [*figure.groups(), "x"], figure.option("error"), figure.option("predicted")
    geometric = figure.option("y_scale") == "log" and error is None
    frame = means(figure, rows, keys, value, factor=factor, geometric=geometric)
    frame["censored"] = 0
    if (reached := figure.option("reached")) is not None:
        ended = (rows[reached] == 0).groupby([rows[key] for key in keys], dropna=False, sort=False).sum()
        frame = frame.drop(columns="censored").merge(ended.rename("censored").reset_index(), on=keys, how="left")
        bound = frame["censored"] > 0
        frame[["low", "high"]] = frame[["low", "high"]].mask(bound)
    if extra := [column for column in (error, predicted) if column is not None]:
        averages = rows.groupby(keys, dropna=False, sort=False)[extra].mean().mul(factor).reset_index()
        renamed = averages.rename(columns={column: f"_{column}" for column in extra})
        frame = frame.merge(renamed, on=keys, how="left")
    if error is not None:
        frame["low"] = significant(frame["mean"] - frame[f"_{error}"])
        frame["high"] = significant(frame["mean"] + frame[f"_{error}"])
    return frame.assign(predicted=significant(frame[f"_{predicted}"]) if predicted is not None else float("nan"))
