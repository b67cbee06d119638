"""What stands on an axis: one quantity, of one column or of several that share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from batchlab.charts.figure import Figure
from batchlab.declarations.columns import Column

# Test is what a reader looks for, so it gets the solid line.
_FIRST = ("test", "train", "validation")


@dataclass(frozen=True)
class Quantity:
    """What an axis shows.

    Attributes:
        title: Its words.
        unit: Unit after the factor, or nothing for a pure number.
        factor: What the table's values are multiplied with.
    """

    title: str
    unit: str
    factor: float

    @property
    def axis(self) -> str:
        """The title of the axis with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


def title_of(column: Column) -> str:
    """Return a column's title; a column without one is shown under its name."""
    return column.title or column.name.replace("_", " ")


def quantity(figure: Figure, *names: str) -> Quantity:
    """Return the quantity of columns that share an axis: train and test accuracy → accuracy."""
    columns = [figure.column(name) for name in names]
    first = columns[0]
    same_unit = len({(column.unit, column.factor) for column in columns}) == 1
    unit, factor = (first.unit, first.factor) if same_unit else ("", 1.0)
    if len(columns) > 1 and first.quantity and len({column.quantity for column in columns}) == 1:
        return Quantity(title_of(first).removeprefix(f"{first.series} "), unit, factor)
    return Quantity(", ".join(map(title_of, columns)), unit, factor)


def series_of(figure: Figure, names: Sequence[str]) -> dict[str, str]:
    """Return column → short name in a legend for the columns of one axis, in the order of the dashes."""
    columns = [figure.column(name) for name in names]
    rank = {series: place for place, series in enumerate(_FIRST)}
    columns.sort(key=lambda column: rank.get(column.series, len(rank)))
    return {column.name: column.series or title_of(column) for column in columns}


def axes_of(figure: Figure) -> list[tuple[str, ...]]:
    """Return the columns of each axis: one axis, or with `panels` one per quantity (loss, accuracy)."""
    if not figure.option("panels"):
        return [figure.y]
    kinds: dict[str, list[str]] = {}
    for name in figure.y:
        kinds.setdefault(figure.column(name).quantity or name, []).append(name)
    if len(kinds) == 1:
        return [(name,) for name in figure.y]
    return [tuple(group) for group in kinds.values()]
