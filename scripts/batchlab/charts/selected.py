"""The numbers of a chart that draws rows as they are; a chart that shows statistics has a `data.py` of its own."""

from __future__ import annotations

import pandas as pd

from batchlab.charts.averaging import counts, significant, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.rows import Rows


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return the selected rows of runs that did not diverge.

    Args:
        figure: Its columns give the units of the axes.
        rows: Selected rows.

    Returns:
        Rows with the mark `row` and the columns that the options name, in the order of the table and in the units of
        the axes; and rows with other marks.
    """
    if rows.frame.empty:
        return counts(0, rows.diverged)
    kept = rows.frame[list(rows.named)].copy()
    for name in [name for name in rows.named if pd.api.types.is_float_dtype(kept[name])]:
        kept[name] = significant(kept[name] * quantity(figure, name).factor)
    kept.insert(0, "mark", "row")
    return stacked(kept, counts(len(rows.frame), rows.diverged))
