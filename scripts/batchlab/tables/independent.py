"""The difference of two estimates from independent samples, of which only mean, interval and n are known."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special

from batchlab.tables.intervals import t_quantile


class Interval(NamedTuple):
    """An estimate with the ends of its two-sided Student interval, the number of values behind it, and its level."""

    mean: float
    low: float
    high: float
    n: int
    confidence: float = 0.95

    @property
    def error(self) -> float:
        """Standard error of the mean; of an interval that was cut at a bound, that of its longer side."""
        return max(self.high - self.mean, self.mean - self.low) / t_quantile(self.n, self.confidence)


def difference(first: Interval, second: Interval) -> tuple[float, float, float]:
    """Return second − first with its 95 % interval, the variances not assumed to be equal (Welch 1947).

    Args:
        first: An estimate.
        second: Another one, of the same quantity in other runs.

    Returns:
        Difference, lower and upper end; without an interval of both, the ends are NaN.
    """
    apart = second.mean - first.mean
    if min(first.n, second.n) < 2 or not all(map(math.isfinite, (*first, *second))):
        return apart, math.nan, math.nan
    parts = first.error**2, second.error**2
    error = math.sqrt(sum(parts))
    if error == 0:
        return apart, apart, apart
    # Welch and Satterthwaite's degrees of freedom, in shares of the variance, which keeps tiny variances in range.
    shares = [part / error**2 for part in parts]
    freedom = 1 / sum(share**2 / (each.n - 1) for share, each in zip(shares, (first, second), strict=True))
    half = float(special.stdtrit(freedom, 0.975)) * error
    return apart, apart - half, apart + half


def _logarithm(of: Interval) -> Interval:
    return Interval(math.log(of.mean), math.log(of.low), math.log(of.high), of.n, of.confidence)


def ratio(first: Interval, second: Interval) -> tuple[float, float, float]:
    """Return second / first with its 95 % interval: `difference` on the logarithmic scale.

    The ends are NaN where a number is not positive.
    """
    if min(first[:3]) <= 0 or min(second[:3]) <= 0 or not all(map(math.isfinite, (*first, *second))):
        return second.mean / first.mean if first.mean else math.nan, math.nan, math.nan
    apart, low, high = difference(_logarithm(first), _logarithm(second))
    return math.exp(apart), math.exp(low), math.exp(high)
