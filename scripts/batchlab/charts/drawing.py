"""Every figure of the campaign: one spec and the tables in, one Altair chart out.

Each module named in `CHARTS` draws one type of chart with its `draw(figure, rows)`. A figure imports its own type only,
so that work on one type leaves the figures of the others alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.charts.figure import figure_from, rows_of
from batchlab.errors import BatchlabError

CHARTS = ("curves", "points", "density", "drift", "heatmap", "forest")


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
    rows = rows_of(figure, tables[figure.table])
    return importlib.import_module(f"batchlab.charts.{figure.chart}.draw").draw(figure, rows)
