"""Tables as training and probes write them: CSV, nine significant digits, nothing where there is no number."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.files import write_text


def _cell(value: Any) -> str:
    if isinstance(value, float):
        # A metric that is not finite says nothing; the status column says why.
        return f"{value:.9g}" if math.isfinite(value) else ""
    return str(value)


def write_rows(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> None:
    """Write rows as CSV; single precision survives the nine digits exactly.

    Args:
        path: The file.
        rows: All have the columns of the first, which come in its order.
        columns: The columns in order, needed where there may be no row.
    """
    columns = list(columns or rows[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    write_text(path, text.getvalue())
