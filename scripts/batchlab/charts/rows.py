"""The rows of its tables that a figure draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from batchlab.charts.figure import Figure
from batchlab.errors import BatchlabError
from batchlab.tables.formulas import with_derived
from batchlab.tables.joining import joined, names_of
from batchlab.tables.selection import require_column, select


@dataclass(frozen=True)
class Rows:
    """The rows that a figure draws.

    Attributes:
        frame: Selected rows of runs that did not diverge.
        lost: The selected rows of runs that diverged.
        diverged: Number of these runs (arm and seed).
        named: The columns that the figure's options name.
        around: All rows of the runs that did not diverge, whatever the figure selects.
    """

    frame: pd.DataFrame
    lost: pd.DataFrame
    diverged: int
    named: tuple[str, ...] = ()
    around: pd.DataFrame = field(default_factory=pd.DataFrame)


def rows_of(figure: Figure, spec: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Rows:
    """Select a figure's rows and set aside the runs that diverged.

    A run that diverged anywhere is left out as a whole: the epochs before its end would be averaged over other
    seeds than the epochs after it.

    Args:
        figure: The figure.
        spec: `table` (a name, or several that are joined), `tables`, `where`, `derived` and `named`, the columns that
            the options name.
        tables: Name → table.

    Raises:
        BatchlabError: No row is selected, or a column does not exist.
    """
    names, named = names_of(spec["table"]), tuple(spec["named"])
    try:
        table = joined(names, tables, spec["tables"])
        chosen = select(table, spec["where"], spec["derived"])
        for column in named:
            require_column(chosen, column)
    except BatchlabError as problem:
        raise BatchlabError(f"{figure.where_it_is}: {problem}") from None
    if chosen.empty:
        filters = ", ".join(f"{key}: {value}" for key, value in spec["where"].items()) or "none"
        raise BatchlabError(
            f"{figure.where_it_is}: no row of table {' with '.join(names)} is left by where ({filters});"
            " correct the filter"
        )
    run = [name for name in ("study", "arm", "seed") if name in table]
    if "status" not in table or "arm" not in run:
        return Rows(chosen, chosen.iloc[:0], 0, named, with_derived(table, spec["derived"]))
    keys = pd.MultiIndex.from_frame(table[run])
    bad = keys[(table["status"] == "diverged").to_numpy()].unique()
    mask = pd.MultiIndex.from_frame(chosen[run]).isin(bad)
    lost = chosen[mask]
    kept = table[~keys.isin(bad)]
    return Rows(chosen[~mask], lost, len(lost.drop_duplicates(run)), named, with_derived(kept, spec["derived"]))
