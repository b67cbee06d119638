"""Tables as files: one number format, one line end, one order."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Mapping, Sequence

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.files import atomic_path

# Nine digits give back every float32 exactly. A trial's norm is one random draw of hundreds of thousands: seven do.
FLOAT_FORMAT = "%.9g"
FLOAT_FORMATS = {"gradient_norms": "%.7g"}


def write_csv(path: str | os.PathLike[str], frame: pd.DataFrame, float_format: str = FLOAT_FORMAT) -> None:
    """Write a table atomically: header line, no index, Unix line ends, an empty cell for a missing value.

    Args:
        path: Target file.
        frame: The table; its order of rows and columns is kept.
        float_format: How columns of floats are written.
    """
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format=float_format, lineterminator="\n", encoding="utf-8")


def write_tables(targets: Mapping[str, str], tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each named table to its target.

    Args:
        targets: Name of a table → path.
        tables: Name → table; more than `targets` asks for is fine.

    Raises:
        BatchlabError: A target asks for a table that the study does not have.
    """
    for name, path in targets.items():
        if name not in tables:
            raise BatchlabError(f"{path}: the study has no table {name}; it has {', '.join(tables)}")
        write_csv(path, tables[name], FLOAT_FORMATS.get(name, FLOAT_FORMAT))


def merge_tables(target: str | os.PathLike[str], sources: Sequence[str | os.PathLike[str]]) -> None:
    """Concatenate tables of several studies, in order and without holding them in memory.

    Tables with the same header are copied as they are. Where headers differ (a study whose probes add columns), the
    result has the union of the columns in the order in which they are met, and empty cells where a table lacks one.

    Args:
        target: The merged table.
        sources: One table per study.

    Raises:
        BatchlabError: A source is missing or has no header.
    """
    headers = [_header(source) for source in sources]
    columns = list(dict.fromkeys(name for header in headers for name in header))
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as merged:
        writer = csv.writer(merged, lineterminator="\n")
        writer.writerow(columns)
        for source, header in zip(sources, headers, strict=True):
            with open(source, encoding="utf-8", newline="") as file:
                if header == columns:
                    file.readline()
                    shutil.copyfileobj(file, merged)
                else:
                    writer.writerows([row.get(name, "") for name in columns] for row in csv.DictReader(file))


def _header(path: str | os.PathLike[str]) -> list[str]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), None)
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no such table; run the step that writes it first") from None
    if not header:
        raise BatchlabError(f"{path}: the table is empty; delete it and run again")
    return header
