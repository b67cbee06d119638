"""Lines of one panel that are told apart by dashes: by what they draw, or by the figure's own column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batchlab.charts.colours import dash, legend_title
from batchlab.charts.drawn import Row, distinct, keep
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import series_of
from batchlab.declarations.columns import Column

_SERIES = Column("series")


@dataclass(frozen=True)
class Split:
    """What the dashes of a panel tell apart.

    Attributes:
        column: The column whose values have dashes.
        kinds: Its values in order; the first is solid.
        heading: Title of the legend.
    """

    column: Column
    kinds: Sequence[Any]
    heading: str | None

    def encoding(self, above: bool) -> Any:
        """Return the dash encoding; its legend stands above the panels or beside them."""
        return dash(self.kinds, self.heading, above, self.column)


def split_of(figure: Figure, points: Sequence[Row], series: Sequence[str]) -> Split:
    """Return what dashes tell apart: values of the column `dash`, or else the names of several columns."""
    if figure.dash is None:
        return Split(_SERIES, series, None)
    column = figure.column(figure.dash)
    return Split(column, distinct(points, figure.dash), legend_title(column))


def points_of(figure: Figure, points: Sequence[Row], wanted: Sequence[str], columns: Sequence[str]) -> list[Row]:
    """Return the points of one axis: the columns of the groups, some others, and `series`, the name in the legend."""
    names = series_of(figure, wanted)
    own = [row for row in points if row["column"] in names]
    kept = keep(own, [*figure.groups(), *columns])
    return [{**row, "series": names[old["column"]]} for row, old in zip(kept, own, strict=True)]


def most_on_a_line(figure: Figure, points: Sequence[Row]) -> int:
    """Return the largest number of different `x` on one line."""
    lines: dict[tuple[Any, ...], set[float]] = {}
    for row in points:
        lines.setdefault(tuple(row[name] for name in (*figure.groups(), "series")), set()).add(row["x"])
    return max(map(len, lines.values()))
