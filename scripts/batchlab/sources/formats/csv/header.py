"""The first line of a table: names of columns, numbers of rows and columns, or already an example.

Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.text import number

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Header:
    """What the first line of a table says.

    Attributes:
        names: Names of the columns; their numbers from 1 where none are given.
        lines: Lines before the first example, 0 or 1.
        words: What was found, for people.
        classes: Names of the classes 0 to C - 1, where the first line gives them.
    """

    names: tuple[str, ...]
    lines: int
    words: str
    classes: tuple[str, ...] = ()


def header_of(path: Path, rows: Sequence[Row], gaps: frozenset[str], said: bool | None) -> Header:
    """Return what the first line says: a header has words where the rows below it have numbers.

    Args:
        path: The file, for messages.
        rows: The first rows.
        gaps: Cells that count as missing.
        said: Whether there is a header, as the campaign says it, or None.

    Raises:
        BatchlabError: The first line may be either, or is none of both.
    """
    if not rows:
        raise BatchlabError(f"{path}: is empty; a header line with the names of the columns and rows are expected")
    (_, first), body = rows[0], [cells for _, cells in rows[1:]]
    width = Counter(map(len, body)).most_common(1)[0][0] if body else len(first)
    unnamed = tuple(str(column + 1) for column in range(width))
    if said is None and _sizes(first, width):
        return Header(
            unnamed, 1, f"a first line of sizes ({', '.join(first[:6])}), no names of columns", tuple(first[2:])
        )
    if body and {len(cells) for cells in body} == {len(first) + 1}:
        # A sign at the end of each line but the first; or R's write.table, which gives no name to its names of rows.
        first = ["", *first] if any(cells[-1] for cells in body) else [*first, ""]
    if body and len(first) != width and (len(first) == 1 or len(first) not in {len(cells) for cells in body}):
        raise BatchlabError(
            f"{path}: line {rows[0][0]} has {len(first)} cells, the rows below it {width}; remove what stands before "
            "the names of the columns"
        )
    if said is not None:
        return Header(tuple(first), 1, "a header line") if said else Header(unnamed, 0, "no header line (as told)")
    numeric = [column for column in range(len(first)) if _numeric(body, column, gaps)]
    if not numeric or any(not _is_number(first[column]) for column in numeric):
        return Header(tuple(first), 1, "a header line")
    ordinals = [[str(start + column) for column in range(len(first))] for start in (0, 1)]
    counted = [first[column] for column in numeric]
    if first in ordinals or _years(counted):
        raise BatchlabError(
            f"{path}: the first line counts from {counted[0]} to {counted[-1]}: names of columns, or an example? "
            "Say header: true or header: false"
        )
    return Header(unnamed, 0, "no header line (the first row holds numbers where the others do); columns are numbered")


def _sizes(first: Sequence[str], width: int) -> bool:
    """Return whether a line is `rows, features, class names …`, as files inside scikit-learn begin."""
    if len(first) < 3 or not (first[0].isdecimal() and first[1].isdecimal()):
        return False
    return int(first[1]) == width - 1 and not any(_is_number(cell) for cell in first[2:])


def _years(cells: Sequence[str]) -> bool:
    """Return whether cells are years that follow one another, as names of columns often are."""
    if len(cells) < 2 or not all(cell.isdecimal() and 1800 <= int(cell) <= 2200 for cell in cells):
        return False
    return all(int(after) == int(before) + 1 for before, after in pairwise(cells))


def _is_number(cell: str) -> bool:
    return number(cell) is not None or number(cell, comma=True) is not None


def _numeric(body: Sequence[Sequence[str]], column: int, gaps: frozenset[str]) -> bool:
    """Return whether a column mostly holds numbers below the first line."""
    cells = [row[column] for row in body if len(row) > column and row[column] not in gaps]
    return bool(cells) and 2 * sum(map(_is_number, cells)) > len(cells)
