"""Read a table of numbers with one column of labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Contents
from batchlab.sources.formats.csv.table import read_rows
from batchlab.sources.labels import class_names


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the features (examples, columns) and labels of a table.

    Args:
        paths: One file.
        options: `label`, the name of the column of labels.
    """
    (path,) = paths
    columns, rows = read_rows(path, options["label"])
    values: list[list[float]] = []
    names: list[str] = []
    for line, name, cells in rows:
        values.append([_number(cell, path, line, column) for cell, column in zip(cells, columns, strict=True)])
        names.append(name)
    classes = class_names(names, str(path))
    number = {name: index for index, name in enumerate(classes)}
    labels = np.array([number[name] for name in names], np.int64)
    return Contents((np.array(values, np.float64), labels), class_names=tuple(classes))


def _number(cell: str, path: Path, line: int, column: str) -> float:
    try:
        # float() reads 2024_01 as 202401, which no writer of a table means.
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        found = f"holds {cell[:40]!r}" if cell.strip() else "is empty"
        raise BatchlabError(f"{path}: line {line}, column {column!r}: {found}; a finite number is expected")
    return value
