"""The rows of a table, read alike by planning, which counts them, and by the job, so that both agree.

Standard library only.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from batchlab.errors import BatchlabError


def read_rows(path: Path, label: str) -> tuple[list[str], Iterator[tuple[int, str, list[str]]]]:
    """Return the names of the feature columns, and an iterator over (line number, label, feature cells).

    Cells are separated by commas and may be quoted; empty lines are skipped.

    Raises:
        BatchlabError: No rows, no such label column, repeated column names, or (while iterating) a row of another
            length than the header, or an empty label.
    """
    rows = _lines(path)
    _, header = next(rows, (0, list[str]()))
    if not header:
        raise BatchlabError(f"{path}: is empty; a header line with the names of the columns is expected")
    columns = ", ".join(header[:12]) + (", …" if len(header) > 12 else "")
    if label not in header:
        rows.close()
        other = next((sign for sign in (";", "\t", "|") if len(header) == 1 and sign in header[0]), None)
        hint = f"; cells must be separated by commas, not by {other!r}" if other else ""
        raise BatchlabError(f"{path}: label = {label!r} is not a column; the columns are: {columns}{hint}")
    if "" in header:
        rows.close()
        raise BatchlabError(
            f"{path}: column {header.index('') + 1} has no name; remove it if it only counts the rows (pandas: "
            "to_csv(…, index=False)), or name it"
        )
    if len(set(header)) < len(header):
        rows.close()
        raise BatchlabError(f"{path}: column names must differ; the columns are: {columns}")
    if len(header) < 2:
        rows.close()
        raise BatchlabError(f"{path}: has no column beside the label {label!r}; cells are separated by commas")
    at = header.index(label)

    def labelled() -> Iterator[tuple[int, str, list[str]]]:
        with closing(rows):
            for line, row in rows:
                if len(row) != len(header):
                    raise BatchlabError(f"{path}: line {line} has {len(row)} cells, the header has {len(header)}")
                name = row.pop(at).strip()
                if not name:
                    raise BatchlabError(f"{path}: line {line}: the label (column {label!r}) is empty")
                yield line, name, row

    return header[:at] + header[at + 1 :], labelled()


def _lines(path: Path) -> Generator[tuple[int, list[str]], None, None]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = True
            for row in reader:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                yield reader.line_num, [cell.strip() for cell in row] if header else row
                header = False
    except UnicodeDecodeError:
        raise BatchlabError(f"{path}: is not text in UTF-8") from None
    except csv.Error as problem:
        raise BatchlabError(f"{path}: line {reader.line_num}: {problem}") from None
