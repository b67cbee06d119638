"""Remarks on columns of a table that are hardly features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from batchlab.sources.contents import Array
from batchlab.sources.formats.csv.table_facts import TableFacts


def remarks_on(table: TableFacts, starts: Mapping[int, int], values: Array, labels: Array) -> list[tuple[str, str]]:
    """Return remarks on columns that are hardly features.

    One that grows by one counts the rows. One with a value of its own for each class may give the label away.
    """
    classes = range(len(table.classes)) if table.targets == "classes" else ()
    members = [values[labels == label] for label in classes]
    remarks = []
    for place, kind in table.columns.kinds.items():
        if kind == "numbers" and len(values) > 1 and (np.diff(values[:, starts[place]]) == 1).all():
            name = table.columns.names[place]
            remarks.append(
                ("Remark", f"column {name!r} grows by one from row to row; leave_out: [{name}] if it only counts")
            )
    for place, start in starts.items() if members else ():
        stop = start + len(table.categories.get(place, [""]))
        own = [rows[:, start:stop] for rows in members]
        if all((rows == rows[:1]).all() for rows in own) and len({tuple(rows[0]) for rows in own}) == len(own):
            name = table.columns.names[place]
            text = (
                f"column {name!r} tells the class in every row; leave_out: [{name}] if it is another name of the label"
            )
            remarks.append(("Remark", text))
    return remarks
