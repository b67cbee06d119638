"""The numbers of a map: the mean over seeds in each cell."""

from __future__ import annotations

import pandas as pd

from batchlab.charts.averaging import counts, means, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.rows import Rows


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return the mean over seeds of every cell, and the cells whose runs all diverged.

    Args:
        figure: `x` and `y` are the two quantities, `value` the column that is drawn, `facet` splits panels.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, `facet`'s column, the columns of both quantities, `mean`, `low`, `high`,
        `n`; rows with the mark `lost`: a cell without a run that did not diverge; and rows with other marks.

    Raises:
        BatchlabError: Several rows of one seed fall into one cell.
    """
    value = figure.option("value")
    keys = figure.groups(figure.x, *figure.y)
    points = means(figure, rows.frame, keys, value, factor=quantity(figure, value).factor)
    lost = rows.lost[keys].drop_duplicates()
    lost = lost[~pd.MultiIndex.from_frame(lost).isin(pd.MultiIndex.from_frame(points[keys]))]
    cells = [points.assign(mark="mean", column=value), lost.assign(mark="lost", column=value)]
    ordered = pd.concat(cells, ignore_index=True).sort_values(keys, kind="stable")
    drawn = ordered[["mark", "column", *keys, "mean", "low", "high", "n"]]
    return stacked(drawn.astype({"n": "Int64"}), counts(len(rows.frame), rows.diverged))
