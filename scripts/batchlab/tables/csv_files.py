"""Tables as files: one number format, one line end, one order."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.files import atomic_path

# Nine digits give back every float32 exactly.
DIGITS = 9


def read_table(path: str | os.PathLike[str], text: Collection[str] = ()) -> pd.DataFrame:
    """Read one CSV table; numbers keep every digit, an empty cell is missing.

    Args:
        path: File with a header line.
        text: Columns that are text even where every value looks like a number ("64") or a missing value ("none").

    Returns:
        The table, one row per line.

    Raises:
        BatchlabError: The file is missing, empty or no table.
    """
    try:
        return pd.read_csv(
            path,
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values=["", "nan", "NaN"],
        )
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no such table; run the step that writes it first") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as problem:
        reason = str(problem).splitlines()[0]
        raise BatchlabError(f"{path}: not a readable table ({reason}); delete it and run again") from None


def path_of(table: str, inputs: Mapping[str, Any]) -> str:
    """Return where a job finds a table: under its own name among the inputs, or in the study's folder `tables`."""
    return str(inputs[table]) if table in inputs else f"{inputs['tables']}/{table}.csv"


def read_tables(names: Iterable[str], inputs: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Return name → table.

    Args:
        names: Tables to read.
        inputs: Inputs of the job, see `path_of`.
        spec: Table → `text`, as `batchlab.tables.contract.reading_spec` gives it.

    Raises:
        BatchlabError: A file is missing or no table.
    """
    return {name: read_table(path_of(name, inputs), spec[name]["text"]) for name in names}


def write_csv(path: str | os.PathLike[str], frame: pd.DataFrame, digits: Mapping[str, int] | None = None) -> None:
    """Write a table atomically: header line, no index, Unix line ends, an empty cell for a missing value.

    Args:
        path: Target file.
        frame: The table; its order of rows and columns is kept.
        digits: Column of floats → its significant digits, where these are not nine.
    """
    shorter = {
        name: frame[name].map(lambda value, count=count: f"{value:.{count}g}", na_action="ignore")
        for name, count in (digits or {}).items()
        if name in frame and pd.api.types.is_float_dtype(frame[name])
    }
    with atomic_path(path) as temporary:
        frame.assign(**shorter).to_csv(
            temporary, index=False, float_format=f"%.{DIGITS}g", lineterminator="\n", encoding="utf-8"
        )


def write_tables(folder: str | os.PathLike[str], tables: Mapping[str, pd.DataFrame], spec: Mapping[str, Any]) -> None:
    """Write tables into a folder, one CSV file each; the folder is made if need be.

    Args:
        folder: Target folder.
        tables: Name → table.
        spec: Table → `digits`, as `batchlab.tables.contract.tables_spec` gives it.

    Raises:
        BatchlabError: A table that the spec declares is not there.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, how in spec.items():
        if name not in tables:
            raise BatchlabError(f"{folder}: the study has no table {name}; it has {', '.join(tables)}")
        write_csv(Path(folder) / f"{name}.csv", tables[name], _digits(tables[name], how))


def _digits(frame: pd.DataFrame, how: Mapping[str, Any]) -> dict[str, int]:
    """Return column → digits; a column with a prefix has those of the column that bears the prefix's name."""
    digits = dict(how["digits"])
    for prefix in how.get("prefixes", ()):
        if (own := digits.get(prefix.rstrip("_"))) is not None:
            digits |= {name: own for name in frame if str(name).startswith(prefix)}
    return digits


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
