"""The axes of a forest plot."""

from __future__ import annotations

from batchlab.charts.figure import Figure
from batchlab.charts.quantities import axes_of


def forest_axes(figure: Figure) -> list[tuple[str, ...]]:
    """Return the columns of each axis; where colours mean something else than columns, each has its own."""
    return axes_of(figure) if figure.colour in (None, figure.x) else [(column,) for column in figure.y]
