"""Compiled functions of rows of examples, for a data set on disk: the rows that come next are in the window.

Each row is in the window as a whole, and a core's function sees numbers of rows in the window in place of numbers of
examples, so the numbers are those of a data set in memory. What measures is kept apart from what trains, so this module
and not `StreamedReplicas` holds it, and knows that class from inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.training.streaming import StreamedReplicas

_WHAT = "a row of examples of this probe"


def of_core(replicas: StreamedReplicas) -> Any:
    """Return the core's replicas, for whose window a function is compiled."""
    return replicas._inner


def of_one_row(replicas: StreamedReplicas, compiled: Callable[..., Any]) -> Callable[..., Any]:
    """Return `run(row, *more)`, which calls `compiled` with numbers in the window for those of the examples `row`.

    Args:
        replicas: The replica whose window it is.
        compiled: A core's function of a row, compiled for the window.
    """

    def run(row: NDArray[np.int32], *more: Any) -> Any:
        replicas._check(len(row), _WHAT)
        local = np.arange(len(row), dtype=np.int32)
        [found] = [compiled(local, *more) for _ in replicas._loaded([[row]], len(row))]
        return found

    return run


def of_many_rows(replicas: StreamedReplicas, compiled: Callable[..., Any]) -> Callable[..., NDArray[np.float64]]:
    """Return `run(rows, *more)` for an array of shape (count, examples), as many rows in the window as fit.

    Args:
        replicas: The replica whose window it is.
        compiled: A core's function of rows, compiled for the window; its results are stacked.
    """

    def run(rows: NDArray[np.int32], *more: Any) -> NDArray[np.float64]:
        size = rows.shape[1]
        replicas._check(size, _WHAT)
        step = replicas._rows // size
        parts = [rows[start : start + step] for start in range(0, len(rows), step)]
        found = []
        for part, _ in zip(parts, replicas._loaded([[part.ravel()] for part in parts], step * size), strict=True):
            found.append(compiled(np.arange(part.size, dtype=np.int32).reshape(part.shape), *more))
        return np.concatenate(found)

    return run


def of_stretches(replicas: StreamedReplicas, compiled: Callable[[int, int], Any]) -> Callable[[int, int], Any]:
    """Return `run(start, stop)`, which calls `compiled` with the place in the window of those examples.

    Args:
        replicas: The replica whose window it is.
        compiled: A core's function of examples that follow one another, compiled for the window.
    """
    run = of_one_row(replicas, lambda local: compiled(0, len(local)))
    return lambda start, stop: run(np.arange(start, stop, dtype=np.int32))
