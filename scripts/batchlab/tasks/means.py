"""Means over the examples of one split, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mean(values: NDArray[np.float64], given: NDArray[Any] | None) -> float:
    """Return the mean of the examples' values, of those weighted that have weights.

    Args:
        values: Shape (examples,).
        given: Weights, shape (examples,), or None.
    """
    if given is None:
        return float(values.sum() / len(values))
    weights = given.astype(np.float64)
    return ratio(float((values * weights).sum()), float(weights.sum()))


def ratio(total: float, weight: float) -> float:
    """Return a weighted sum divided by the sum of weights; NaN where nothing counts."""
    return total / weight if weight > 0 else float("nan")


def balanced(values: NDArray[np.float64], labels: NDArray[Any], given: NDArray[Any] | None) -> float:
    """Return the mean over the classes of the means of their examples: every class counts alike.

    Args:
        values: Shape (examples,).
        labels: Class of each example.
        given: Weights, shape (examples,), or None.
    """
    members = [labels == label for label in np.unique(labels)]
    return float(np.nanmean([mean(values[own], None if given is None else given[own]) for own in members]))
