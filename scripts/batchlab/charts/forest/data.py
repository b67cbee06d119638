"""The numbers of arms by name: mean, interval and single seeds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from batchlab.charts.averaging import counts, means, significant, stacked
from batchlab.charts.expected_values import regions
from batchlab.charts.figure import Figure
from batchlab.charts.forest.row_axes import forest_axes
from batchlab.charts.quantities import quantity
from batchlab.charts.rows import Rows
from batchlab.charts.telling import tell_apart


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return per arm the mean over seeds, its 95 % t interval, and every seed.

    Args:
        figure: `x` names the rows, `y` the values; `colour`, `facet` and `panels` are read.
        rows: Selected rows.

    Returns:
        Rows with the mark `mean`: `column`, the columns of the groups, `mean`, `low`, `high`, `n`; rows with the mark
        `seed`: `column`, the columns of the groups, `seed`, `value`; rows with the mark `region`: what was published;
        and rows with other marks. Groups are in the order of the table.

    Raises:
        BatchlabError: Several rows of one seed fall on one point.
    """
    if rows.frame.empty:
        return counts(0, rows.diverged)
    figure, told = tell_apart(figure, rows.frame)
    # Dashes mean nothing here: what would be a dash is a panel.
    if figure.facet is None and figure.dash is not None:
        figure = figure.changed(facet=figure.dash, dash=None)
        told = [part.assign(mark="facet") for part in told]
    parts = [part for wanted in forest_axes(figure) for part in _axis(figure, rows.frame, wanted)]
    behind = [regions(figure, rows, wanted) for wanted in forest_axes(figure)]
    return stacked(*parts, *behind, counts(len(rows.frame), rows.diverged), *told)


def _axis(figure: Figure, rows: pd.DataFrame, wanted: Sequence[str]) -> list[pd.DataFrame]:
    factor = quantity(figure, *wanted).factor
    keys = figure.groups(figure.x)
    points, seeds = [], []
    for column in wanted:
        own = means(figure, rows, keys, column, factor=factor)
        points.append(own.assign(mark="mean", column=column)[["mark", "column", *keys, "mean", "low", "high", "n"]])
        each = rows[rows[column].notna()]
        single = each[[*keys, *(name for name in ("seed",) if name in each and name not in keys)]]
        single = single.assign(mark="seed", column=column, value=significant(each[column] * factor))
        seeds.append(single.sort_values("value", kind="stable"))
    return [*points, *seeds]
