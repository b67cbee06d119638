"""Intervals by resampling seeds, and how many more seeds would tell two settings apart.

Percentile intervals of few values are too narrow. These are expanded: their tails are those at which a Student interval
would end, Φ(−t √(n/(n−1))) (Hesterberg 2015, "What Teachers Should Know About the Bootstrap"). Of two to four values
these tails are thinner than a single draw, so the Student interval itself is taken.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

LEVEL = 0.9
# So many seeds are resampled in all ways there are; more are drawn at random.
_ALL, _DRAWS = 5, 4000
# With fewer values than this no draws are as rare as the tails.
_STUDENT = 5
# More seeds than these are not advised.
MOST_SEEDS = 100


@functools.cache
def draws(count: int) -> NDArray[np.intp]:
    """Return which of `count` values each draw with replacement takes, shape (draws, count).

    All count ** count draws where there are few values, and otherwise 4000 random ones, which are always the same.
    """
    if count <= _ALL:
        return np.array(list(itertools.product(range(count), repeat=count)), dtype=np.intp)
    return np.random.default_rng(count).integers(0, count, (_DRAWS, count))


def interval(values: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Return an interval of the mean of values; NaN for fewer than two, or if one is not finite.

    It is the expanded percentile interval, or Student's of two to four values.

    Args:
        values: One for each seed.
        level: Share of the interval.
    """
    sample = np.asarray(values, float)
    if len(sample) < 2 or not np.isfinite(sample).all():
        return math.nan, math.nan
    if len(sample) < _STUDENT:
        half = _quantile(len(sample), level) * float(sample.std(ddof=1)) / math.sqrt(len(sample))
        return float(sample.mean()) - half, float(sample.mean()) + half
    means = sample[draws(len(sample))].mean(axis=1)
    tail = float(special.ndtr(-_quantile(len(sample), level) * math.sqrt(len(sample) / (len(sample) - 1))))
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _quantile(count: int, level: float) -> float:
    """Return the quantile of Student's distribution for `count` values."""
    return float(special.stdtrit(count - 1, (1 + level) / 2))


def shares_of_best(values: Sequence[ArrayLike]) -> list[float]:
    """Return the share of draws in which each setting has the lowest mean; equal ones share it.

    Args:
        values: For each setting a value for each seed, in the same order; an infinite one is never best.
    """
    table = np.array([np.asarray(each, float) for each in values])
    means = table[:, draws(table.shape[1])].mean(axis=2)
    lowest = (means == means.min(axis=0)) & np.isfinite(means)
    counts = lowest.sum(axis=0)
    shares: list[float] = (lowest / np.maximum(counts, 1)).mean(axis=1).tolist()
    return shares


def more_seeds(differences: ArrayLike, level: float = LEVEL) -> float:
    """Return how many more seeds would tell two settings apart, if these differences are as those to come.

    That is the least m − n with t(m) · s / √m < |mean|; 0 where that holds already, NaN beyond 100 seeds or where there
    is no spread to go by.

    Args:
        differences: One for each seed.
        level: Share of the interval that must not hold 0.
    """
    sample = np.asarray(differences, float)
    if len(sample) < 2 or not np.isfinite(sample).all():
        return math.nan
    mean, spread = abs(float(sample.mean())), float(sample.std(ddof=1))
    for count in range(len(sample), MOST_SEEDS + 1):
        if _quantile(count, level) * spread / math.sqrt(count) < mean:
            return float(count - len(sample))
    return math.nan
