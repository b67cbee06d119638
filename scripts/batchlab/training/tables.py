"""Tables as training and probes write them: CSV, nine significant digits, nothing where there is no number."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchlab.files import write_text


def _cell(value: Any) -> str:
    if isinstance(value, float):
        # A metric that is not finite says nothing; the status column says why.
        return f"{value:.9g}" if math.isfinite(value) else ""
    return str(value)


def write_table(path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV with the given columns; single precision survives the nine digits exactly.

    Args:
        path: The file.
        columns: Names of the columns, in order.
        rows: Column → value; every row has every column.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    write_text(path, text.getvalue())
