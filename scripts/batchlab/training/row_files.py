"""Tables as training and probes write them: CSV, nine significant digits, nothing where there is no number."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from batchlab.files import write_text


class Table(NamedTuple):
    """Columns in order, and rows that map each column to its value."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        # A metric that is not finite says nothing; the status column says why.
        return f"{value:.9g}" if math.isfinite(value) else ""
    return str(value)


def write_table(path: str | os.PathLike[str], table: Table) -> None:
    """Write a table as CSV; single precision survives the nine digits exactly."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(row[column]) for column in table.columns] for row in table.rows)
    write_text(path, text.getvalue())
