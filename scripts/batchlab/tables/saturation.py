"""The curve of quantities that fall with the batch size until they level off: limit · (1 + critical / B).

Updates to a target follow it (McCandlish et al. 2018, eq. 2.11: (S/S_min − 1)(E/E_min − 1) = 1 with E = B S is
S = S_min (1 + B_crit / B)), and so does the inverse of the best rate of one step, η_max / (1 + B_noise / B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Beyond this many times the smallest and largest batch size, data cannot tell one curve from another.
_BEYOND = 100.0
_GRID = 400
# The logarithm is found as closely as the error's parabola can tell in double precision.
_CLOSE = 1e-8
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Saturation:
    """A fitted curve.

    Attributes:
        limit: Value for large batches; NaN if it is not determined.
        critical: Batch size at which the value is twice the limit; NaN if it is not determined.
    """

    limit: float
    critical: float

    def at(self, batch_size: ArrayLike) -> NDArray[np.float64]:
        """Return the curve's values."""
        return np.asarray(self.limit * (1 + self.critical / np.asarray(batch_size, dtype=float)))


def fit(batch_sizes: ArrayLike, values: ArrayLike) -> Saturation:
    """Return the least-squares fit of logarithms.

    For each `critical` the best `limit` is known, so that one number is searched for.

    Args:
        batch_sizes: B of each point; with fewer than three different ones nothing is determined.
        values: Positive values; points without a finite one are left out.

    Returns:
        The curve; not determined where the best `critical` lies beyond a hundredth of the smallest or a hundred times
        the largest batch size, that is where points show no bend.
    """
    sizes, numbers = np.asarray(batch_sizes, dtype=float), np.asarray(values, dtype=float)
    usable = np.isfinite(numbers) & (numbers > 0)
    sizes, numbers = sizes[usable], numbers[usable]
    if len(np.unique(sizes)) < 3:
        return Saturation(math.nan, math.nan)
    logs = np.log(numbers)

    def rest(position: ArrayLike) -> NDArray[np.float64]:
        """Return what the logarithm of the limit would be for each point, shape (…, points)."""
        return logs - np.log1p(np.exp(np.asarray(position))[..., None] / sizes)

    grid = np.linspace(math.log(sizes.min() / _BEYOND), math.log(sizes.max() * _BEYOND), _GRID)
    best = int(np.argmin(rest(grid).var(axis=-1)))
    if best in (0, _GRID - 1):
        return Saturation(math.nan, math.nan)
    low, high = float(grid[best - 1]), float(grid[best + 1])
    while high - low > _CLOSE:
        first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        nearer, farther = rest([first, second]).var(axis=-1)
        low, high = (low, second) if nearer < farther else (first, high)
    middle = (low + high) / 2
    return Saturation(math.exp(float(rest(middle).mean())), math.exp(middle))
