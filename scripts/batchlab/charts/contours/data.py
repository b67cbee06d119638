"""The numbers of contours: straight pieces of the lines of equal value, and the points of paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from batchlab.charts.averaging import counts, in_order, significant, stacked
from batchlab.charts.figure import Figure
from batchlab.charts.quantities import quantity
from batchlab.charts.rows import Rows
from batchlab.errors import BatchlabError

# A panel that fewer lines cross has lines at values of its own.
_FEWEST = 3


def data(figure: Figure, rows: Rows) -> pd.DataFrame:
    """Return the lines of equal value of one run's surface in each panel, and its paths.

    Args:
        figure: Its `x`, `y`, `value`, `colour`, `facet`, `along` and `levels` are read.
        rows: Rows of a surface, a full grid of `x` and `y` in each panel, and rows without a value: the points of
            paths, one path for each value of `colour`.

    Returns:
        Rows with the mark `contour`: `facet`'s column, `level`, and the ends `x`, `y`, `x2`, `y2` of a straight piece;
        rows with the mark `path`: `facet`'s and `colour`'s columns, `place` along the path, `x`, `y`; and rows with
        other marks.

    Raises:
        BatchlabError: Several runs are selected, the surface is no grid of positive values, or paths have no order.
    """
    frame = rows.frame
    if frame.empty:
        return counts(0, rows.diverged)
    if frame["seed"].nunique() > 1:
        raise BatchlabError(f"{figure.where_it_is}: contours show one run; add seed: first to where")
    value, (y,) = figure.option("value"), figure.y
    factors = {name: quantity(figure, name).factor for name in (figure.x, y, value)}
    frame = frame.assign(**{name: frame[name] * factor for name, factor in factors.items()})
    surface, paths = frame[frame[value].notna()], frame[frame[value].isna() & frame[figure.x].notna()]
    if len(paths) and figure.option("along") is None:
        raise BatchlabError(f"{figure.where_it_is}: {len(paths)} rows have no {value}; say along what paths are joined")
    if (surface[value] <= 0).any() or surface.empty:
        raise BatchlabError(f"{figure.where_it_is}: contours are drawn of positive values; {value} has others or none")
    shared = _levels(surface[value], int(figure.option("levels")))
    parts = [
        *(
            _contours(figure, panel, _crossing(panel[value], shared)).assign(**named)
            for named, panel in _panels(figure, surface)
        ),
        *(_paths(figure, panel).assign(**named) for named, panel in _panels(figure, paths)),
    ]
    columns = ("mark", *figure.groups(), "level", "place", "x", "y", "x2", "y2")
    drawn = stacked(*parts)
    return stacked(drawn[[name for name in columns if name in drawn]], counts(len(frame), rows.diverged))


def _levels(values: pd.Series, number: int) -> np.ndarray:
    """Return so many values between the smallest and the largest one, evenly spaced on a logarithmic scale."""
    # The ends of the range are single points.
    return np.exp(np.linspace(np.log(values.min()), np.log(values.max()), number + 2)[1:-1])


def _crossing(values: pd.Series, shared: np.ndarray) -> np.ndarray:
    """Return the levels of a panel: those of all panels, unless its values span so little that few would cross it."""
    inside = (shared > values.min()) & (shared < values.max())
    return shared if inside.sum() >= min(_FEWEST, len(shared)) else _levels(values, len(shared))


def _panels(figure: Figure, frame: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield the rows of each panel, with the facet's column and value."""
    if figure.facet is None:
        yield {}, frame
        return
    for facet in in_order(frame[figure.facet]):
        yield {figure.facet: facet}, frame[frame[figure.facet] == facet]


def _paths(figure: Figure, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the paths of one panel in order."""
    frame = frame.sort_values([*([figure.colour] if figure.colour else []), figure.option("along")], kind="stable")
    own = frame[[name for name in figure.groups() if name != figure.facet]]
    place = frame.groupby(figure.colour, dropna=False).cumcount() if figure.colour else range(len(frame))
    [y] = figure.y
    return own.assign(mark="path", place=place, x=significant(frame[figure.x], 5), y=significant(frame[y], 5))


def _contours(figure: Figure, frame: pd.DataFrame, levels: np.ndarray) -> pd.DataFrame:
    """Return the pieces of all lines of equal value of one panel's surface."""
    [y] = figure.y
    grid = frame.pivot_table(index=y, columns=figure.x, values=figure.option("value"), aggfunc="mean")
    if grid.size != len(frame) or grid.isna().any(axis=None) or min(grid.shape) < 2:
        raise BatchlabError(f"{figure.where_it_is}: the surface is no full grid of {figure.x} and {y}; narrow where")
    xs, ys = grid.columns.to_numpy(float), grid.index.to_numpy(float)
    values = np.log(grid.to_numpy(float))
    records = [(level, *piece) for level in levels for piece in pieces(xs, ys, values, float(np.log(level)))]
    found = pd.DataFrame(records, columns=["level", "x", "y", "x2", "y2"])
    return found.assign(
        mark="contour", **{name: significant(found[name], 4) for name in ("level", "x", "y", "x2", "y2")}
    )


def pieces(
    xs: np.ndarray, ys: np.ndarray, values: np.ndarray, level: float
) -> Iterator[tuple[float, float, float, float]]:
    """Yield the straight pieces of a line of equal value: x, y, x2, y2.

    Each cell of the grid is cut into two triangles, on which the surface is taken to be flat; so a piece is straight,
    and the pieces join.

    Args:
        xs: Shape (columns,), rising.
        ys: Shape (rows,), rising.
        values: Shape (rows, columns).
        level: The value.
    """
    for row, column in np.ndindex(len(ys) - 1, len(xs) - 1):
        corners = [
            (xs[column + right], ys[row + up], values[row + up, column + right])
            for right, up in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
        heights = [corner[2] for corner in corners]
        if not min(heights) < level <= max(heights):
            continue
        for triangle in ((corners[0], corners[1], corners[2]), (corners[0], corners[2], corners[3])):
            crossings = []
            for (x, y, z), (x2, y2, z2) in zip(triangle, (*triangle[1:], triangle[0]), strict=True):
                if (z < level) != (z2 < level):
                    share = (level - z) / (z2 - z)
                    crossings.append((x + share * (x2 - x), y + share * (y2 - y)))
            if len(crossings) == 2:
                yield (*crossings[0], *crossings[1])
