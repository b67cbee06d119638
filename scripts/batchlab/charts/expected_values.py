"""What was published, or is allowed as a margin: bands and lines behind the numbers of a figure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from batchlab.charts.averaging import note, significant, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.rows import Rows
from batchlab.tables.selection import select


def regions(figure: Figure, rows: Rows, columns: Sequence[str]) -> pd.DataFrame:
    """Return the regions of a figure in the unit of its axis.

    A region of differences is counted from the mean of the runs that the claim subtracts, or from 0 in a figure that
    draws differences itself; one of ratios is a multiple of that mean.

    Args:
        figure: Its `regions` and `minus` are read.
        rows: Its rows.
        columns: Columns that share the axis.

    Returns:
        Rows with the mark `region`: `column`, `low`, `high` (either may be empty), and `text`, who published it.
    """
    found = []
    factor = quantity(figure, *columns).factor
    for region in figure.regions:
        if region["value"] not in columns:
            continue
        start = 0.0
        if "minus" in region and figure.option("minus") is None:
            start = float(select(rows.around, region["minus"])[region["value"]].mean())
        ends = {}
        for end in ("low", "high"):
            value = float("nan") if region[end] is None else region[end]
            ends[end] = factor * (start * value if region.get("ratio") else start + value)
        text = f"published: {region['source']}" if region["source"] else "margin of the claim"
        found.append(note("region", column=region["value"], **ends, text=text))
    if not found:
        return pd.DataFrame()
    drawn = stacked(*found)
    return drawn.assign(low=significant(drawn["low"]), high=significant(drawn["high"]))
