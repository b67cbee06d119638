"""Tables as the page reads them: rows of text, and numbers out of their cells."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from pathlib import Path

from batchlab.errors import BatchlabError

Row = Mapping[str, str]


def rows_of(path: str | Path | None) -> list[dict[str, str]]:
    """Return the rows of a table as text; none without a path.

    Raises:
        BatchlabError: There is no such file.
    """
    if not path:
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no such table; run the step that writes it first") from None


def value(row: Row, column: str) -> float:
    """Return a cell as a number, NaN if it is empty or not there."""
    return float(row.get(column) or "nan")


def count(row: Row, column: str) -> int:
    """Return a cell as a whole number, 0 if it is empty or not there."""
    found = value(row, column)
    return int(found) if math.isfinite(found) else 0


def link(path: str | Path, folder: Path) -> str:
    """Return a file's address from a page in `folder`."""
    return Path(os.path.relpath(path, folder)).as_posix()
