"""What a constant prediction reaches: the level of a model that has learnt nothing, or has lost what it had learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Level(NamedTuple):
    """A level of a metric.

    Attributes:
        value: The best that a constant prediction reaches.
        higher: Whether higher values are better.
    """

    value: float
    higher: bool = False

    def missed(self, found: float, rounding: float) -> bool:
        """Return whether a value is not better than the level; one that is NaN is not judged."""
        return found <= self.value + rounding if self.higher else found >= self.value - rounding


def weights_of(arrays: Arrays, split: str) -> NDArray[Any] | None:
    """Return the weights of a split, None where the data set has none."""
    return arrays.get(f"w_{split}")


def shares(labels: NDArray[Any], given: NDArray[Any] | None) -> NDArray[np.float64]:
    """Return the share of each class that occurs, by weight where there are weights."""
    places = np.unique(labels, return_inverse=True)[1].ravel()
    counts = np.bincount(places, None if given is None else given.ravel())
    found: NDArray[np.float64] = counts / counts.sum()
    return found


def entropy(of: NDArray[np.float64]) -> float:
    """Return the entropy of shares in nats, the smallest mean cross-entropy of one distribution (Gibbs' inequality)."""
    some = of[of > 0]
    return float(-(some * np.log(some)).sum())
