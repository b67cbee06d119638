"""The table that a figure is drawn from, as `figure_data` has written it. Standard library only."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from batchlab.charts.figure import Figure
from batchlab.errors import BatchlabError

Row = dict[str, Any]

# Columns of every such table that are text.
_TEXT = ("mark", "column", "view", "scale", "text")


@dataclass(frozen=True)
class Drawn:
    """The rows that a figure draws, by what they stand for.

    Attributes:
        rows: All rows in order; an empty cell is None.
    """

    rows: Sequence[Row]

    def of(self, mark: str) -> list[Row]:
        """Return the rows with a mark."""
        return [row for row in self.rows if row["mark"] == mark]

    def number(self, mark: str) -> int:
        """Return the `n` of the one row with a mark, 0 if there is none."""
        return int(next((row["n"] for row in self.of(mark)), 0))


def read_drawn(path: str | os.PathLike[str], figure: Figure) -> Drawn:
    """Read the table of a figure.

    Args:
        path: CSV file.
        figure: Its columns say which of them are text.

    Raises:
        BatchlabError: The file is missing or is no such table.
    """
    text = {*_TEXT, *(name for name, column in figure.columns.items() if column.kind == "text")}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [{key: _value(cell, key in text) for key, cell in row.items()} for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no such table; run the step that writes it first") from None
    if not rows or "mark" not in rows[0]:
        raise BatchlabError(f"{path}: not the table of a figure; delete it and run again")
    return Drawn(rows)


def _value(cell: str, text: bool) -> Any:
    if cell == "" or text:
        return cell or None
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else None


def told_apart(figure: Figure, drawn: Drawn) -> Figure:
    """Return the figure with the dashes or panels that its data needed to tell all arms apart."""
    added = {mark: row["column"] for mark in ("dash", "facet") for row in drawn.of(mark)}
    return figure.changed(**added) if added else figure


def values_of(rows: Iterable[Row], column: str) -> list[Any]:
    """Return the values of a column that are there."""
    return [row[column] for row in rows if row[column] is not None]


def is_number(value: Any) -> bool:
    """Return whether a cell holds a number."""
    return isinstance(value, int | float)


def distinct(rows: Iterable[Row], column: str) -> list[Any]:
    """Return the distinct values of a column: numbers ascending, names in the order of the rows."""
    found = list(dict.fromkeys(values_of(rows, column)))
    return sorted(found) if all(map(is_number, found)) else found


def keep(rows: Iterable[Row], columns: Sequence[str]) -> list[Row]:
    """Return the rows with some of their columns."""
    return [{column: row[column] for column in columns} for row in rows]
