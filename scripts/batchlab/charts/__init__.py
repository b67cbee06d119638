"""Every figure of the campaign: one spec and the tables in, one Altair chart out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from batchlab.charts import curves, density, drift, forest, heatmap, points
from batchlab.charts.figure import Figure, Rows, figure_from, rows_of
from batchlab.errors import BatchlabError

CHARTS: dict[str, Callable[[Figure, Rows], Any]] = {
    "curves": curves.draw,
    "points": points.draw,
    "density": density.draw,
    "drift": drift.draw,
    "heatmap": heatmap.draw,
    "forest": forest.draw,
}


def draw(spec: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Any:
    """Draw one figure.

    Args:
        spec: The figure's settings, see `batchlab.charts.figure.Figure`.
        tables: Name → table, at least the one that the figure reads.

    Returns:
        An Altair chart with title, subtitle and theme.

    Raises:
        BatchlabError: The spec names a chart, table or column that does not exist, or selects no row.
    """
    figure = figure_from(spec)
    if figure.chart not in CHARTS:
        raise BatchlabError(f"{figure.where_it_is}: chart {figure.chart!r} is not one of {', '.join(CHARTS)}")
    if figure.table not in tables:
        raise BatchlabError(f"{figure.where_it_is}: table {figure.table!r} is not one of {', '.join(tables)}")
    return CHARTS[figure.chart](figure, rows_of(figure, tables[figure.table]))
