"""Means, intervals and tests over seeds: small samples, paired by seed, nothing hidden.

Conventions: `std` divides by n − 1; intervals are two-sided; a value that is not finite (a diverged run) is left out
and n says how many remained; with n < 2 there is no interval and its ends are NaN. Sums are taken around the first
value, so that large numbers with a small spread lose no digits and identical values have exactly no spread.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

NAN = math.nan

# Differences closer than this, relative to the numbers they were taken from, are rounding and not spread.
_ROUNDING = 16 * float(np.finfo(float).eps)


@dataclass(frozen=True)
class Estimate:
    """A mean with its spread and interval.

    Attributes:
        mean: The estimate; NaN without data.
        std: Standard deviation of one value; NaN if n < 2.
        n: Number of finite values.
        ci_low: Lower end of the interval; NaN if n < 2.
        ci_high: Upper end.
    """

    mean: float
    std: float
    n: int
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class PairedComparison:
    """How two arms differ over the seeds they share.

    Attributes:
        difference: Mean of first − second.
        std: Standard deviation of the differences.
        n: Pairs in which both values are finite.
        dropped: Pairs left out because one value is not finite.
        ci_low: Lower end of the t interval of the difference.
        ci_high: Upper end.
        p: Two-sided p value.
        effect_size: Hedges' g_z.
    """

    difference: float
    std: float
    n: int
    dropped: int
    ci_low: float
    ci_high: float
    p: float
    effect_size: float


@dataclass(frozen=True)
class Moments:
    """The first four moments of a sample with standard errors.

    Attributes:
        n: Number of finite values.
        mean: Arithmetic mean.
        std: Sample standard deviation (n − 1).
        skewness: g₁ = m₃ / m₂^{3/2}, the population form; 0 for a symmetric sample.
        kurtosis: Excess kurtosis g₂ = m₄ / m₂² − 3; 0 for a normal sample.
        mean_error: Standard error of `mean`.
        std_error: Standard error of `std`.
        skewness_error: Standard error of `skewness` for a normal sample.
        kurtosis_error: Standard error of `kurtosis` for a normal sample.
    """

    n: int
    mean: float
    std: float
    skewness: float
    kurtosis: float
    mean_error: float
    std_error: float
    skewness_error: float
    kurtosis_error: float


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=float).ravel()
    return array[np.isfinite(array)]


def _mean_and_std(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation (n − 1) of finite values, computed around the first of them."""
    if not len(values):
        return NAN, NAN
    shifted = values - values[0]
    # A power of two scales without rounding and keeps the squares of huge and tiny values in range.
    unit = math.ldexp(1.0, math.frexp(float(np.abs(shifted).max()))[1] - 1)
    shifted = shifted / unit
    mean = float(values[0] + unit * shifted.mean())
    return mean, float(unit * shifted.std(ddof=1)) if len(values) > 1 else NAN


@functools.cache
def t_quantile(n: int, confidence: float = 0.95) -> float:
    """Return the two-sided quantile of Student's t with n − 1 degrees of freedom; NaN if n < 2."""
    # The function behind `scipy.stats.t`, without that module, whose import costs each job of a campaign half a second.
    return float(special.stdtrit(n - 1, 0.5 + confidence / 2)) if n > 1 else NAN


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the mean with its Student interval, mean ± t_{n−1} · std / √n (Student 1908).

    Args:
        values: Any number of values, one per seed; those that are not finite are left out.
        confidence: Coverage of the interval.

    Returns:
        The estimate. With n = 1 there is a mean and no interval; with n = 0 everything is NaN.
    """
    kept = _finite(values)
    mean, std = _mean_and_std(kept)
    half = t_quantile(len(kept), confidence) * std / math.sqrt(len(kept)) if len(kept) > 1 else NAN
    return Estimate(mean, std, len(kept), mean - half, mean + half)


def hedges_g(differences: ArrayLike) -> float:
    """Return Hedges' g_z of paired differences: J(n − 1) · mean / std (Hedges 1981; g_z as in Lakens 2013).

    J(m) = Γ(m/2) / (√(m/2) Γ((m−1)/2)) removes the bias of the standardised mean in small samples.

    Args:
        differences: One value per pair; those that are not finite are left out.

    Returns:
        The effect size; NaN for fewer than three pairs, where the correction does not exist; 0 if every difference
        is 0, and ±inf if all are the same other number.
    """
    kept = _finite(differences)
    if len(kept) < 3:
        return NAN
    mean, std = _mean_and_std(kept)
    if std <= _ROUNDING * float(np.abs(kept).max()):
        return 0.0 if mean == 0 else math.copysign(math.inf, mean)
    freedom = len(kept) - 1
    log_correction = special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2) - 0.5 * math.log(freedom / 2)
    return float(math.exp(log_correction) * mean / std)


def paired_comparison(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> PairedComparison:
    """Compare two arms that were run with the same seeds, by Student's t on the differences first − second.

    The t statistic is √n · mean / std of the differences, with n − 1 degrees of freedom. It does not exist where all
    differences are the same; then p is that of the exact sign test, which is 2 · 2⁻ⁿ if the difference is not 0 (no
    smaller p can be had from n signs; accuracies of a small test set do coincide by chance) and 1 if it is 0.

    Args:
        first: Values of the first arm, shape (seeds,).
        second: Values of the second arm in the same order of seeds.
        confidence: Coverage of the interval.

    Returns:
        The comparison. With n < 2 there is neither interval nor p.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"paired values need one shape (seeds,), got {a.shape} and {b.shape}")
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    n, dropped = len(a), int(np.count_nonzero(~both))
    differences = a - b
    scale = max(np.abs(a).max(), np.abs(b).max()) if n else 0.0
    if n and np.ptp(differences) <= _ROUNDING * scale:
        same = 0.0 if abs(differences[0]) <= _ROUNDING * scale else differences[0]
        differences = np.full(n, same)
    estimate = mean_interval(differences, confidence)
    if n < 2:
        p = NAN
    elif estimate.std == 0:
        p = 1.0 if estimate.mean == 0 else min(1.0, 2.0 * 0.5**n)
    else:
        p = float(2 * special.stdtr(n - 1, -abs(estimate.mean) * math.sqrt(n) / estimate.std))
    return PairedComparison(
        estimate.mean, estimate.std, n, dropped, estimate.ci_low, estimate.ci_high, p, hedges_g(differences)
    )


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p values adjusted for their number by Holm's step-down method (Holm 1979).

    The k-th smallest of m becomes max over j ≤ k of min(1, (m − j + 1) p_(j)). Rejecting those below α keeps the
    probability of any false rejection at or below α, whatever the dependence between the tests.

    Args:
        p_values: The raw p values, shape (m,). NaN means that a test could not be made; it stays NaN and is not
            counted in m.

    Returns:
        The adjusted p values in the same order.
    """
    raw = np.asarray(p_values, dtype=float)
    adjusted = np.full(raw.shape, NAN)
    known = np.flatnonzero(~np.isnan(raw))
    order = known[np.argsort(raw[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * raw[order]))
    return adjusted


def moments(values: ArrayLike) -> Moments:
    """Return the first four moments of a sample.

    With m_k the mean of (x − x̄)^k: skewness = m₃/m₂^{3/2} and excess kurtosis = m₄/m₂² − 3, the forms of
    `scipy.stats.skew` and `scipy.stats.kurtosis` by default. Standard errors: std/√n of the mean;
    (std/2)·√(2/(n−1) + kurtosis/n) of the standard deviation (delta method on the variance of s², Cramér 1946);
    √(6(n−2)/((n+1)(n+3))) of the skewness and √(24n(n−2)(n−3)/((n+1)²(n+3)(n+5))) of the kurtosis, both exact for
    normal data (Fisher 1930). Deviations are scaled by the largest before they are raised to powers, which keeps
    norms of 10²⁰⁰ or 10⁻²⁰⁰ from overflow and underflow.

    Args:
        values: The sample; values that are not finite are left out.

    Returns:
        The moments; NaN where the sample is too small or has no spread.
    """
    kept = _finite(values)
    n = len(kept)
    mean, std = _mean_and_std(kept)
    skewness = kurtosis = NAN
    deviations = kept - mean
    largest = float(np.abs(deviations).max()) if n else 0.0
    if n > 1 and largest > _ROUNDING * float(np.abs(kept).max()):
        scaled = deviations / largest
        scaled -= scaled.mean()
        square = scaled * scaled
        second = square.mean()
        skewness = float((square * scaled).mean() / second**1.5)
        kurtosis = float((square * square).mean() / second**2 - 3)
    kurtosis_variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    return Moments(
        n=n,
        mean=mean,
        std=std,
        skewness=skewness,
        kurtosis=kurtosis,
        mean_error=std / math.sqrt(n) if n > 1 else NAN,
        std_error=std / 2 * math.sqrt(max(0.0, 2 / (n - 1) + kurtosis / n)) if n > 1 else NAN,
        skewness_error=math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3))) if n > 2 else NAN,
        kurtosis_error=math.sqrt(kurtosis_variance) if n > 3 else NAN,
    )


def root_mean_square(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return √(mean of x²) with an interval by the delta method.

    The mean square m has standard error s = std(x²)/√n, its root has s / (2√m), and the interval is rms ± t_{n−1} times
    that.

    Args:
        values: The sample, at least hundreds for the interval to hold; values that are not finite are left out.
        confidence: Coverage of the interval.

    Returns:
        The rms; `std` is that of one value's square, divided by 2 · rms.
    """
    kept = _finite(values)
    largest = float(np.abs(kept).max()) if len(kept) else 0.0
    if largest == 0:
        return mean_interval(kept, confidence)
    square = mean_interval((kept / largest) ** 2, confidence)
    rms = math.sqrt(square.mean)
    half = (square.ci_high - square.mean) / (2 * rms)
    return Estimate(
        largest * rms, largest * square.std / (2 * rms), square.n, largest * (rms - half), largest * (rms + half)
    )


def ratio_of_means(numerator: ArrayLike, denominator: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return mean(numerator) / mean(denominator) of paired values with Fieller's interval.

    The interval holds every ρ that a paired t test of numerator − ρ · denominator does not reject: with means x̄, ȳ and
    (co)variances of the means v, the roots of (ȳ² − t²v_yy) ρ² − 2 (x̄ȳ − t²v_xy) ρ + (x̄² − t²v_xx) (Fieller 1954,
    for paired values).

    Args:
        numerator: Values, shape (seeds,).
        denominator: Values in the same order of seeds.
        confidence: Coverage of the interval.

    Returns:
        The ratio. `std` is NaN. The interval is (−inf, inf) where the denominator's mean is not distinguishable from 0,
        for then the set of ratios is unbounded.
    """
    x, y = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"paired values need one shape (seeds,), got {x.shape} and {y.shape}")
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    n = len(x)
    x_mean, y_mean = _mean_and_std(x)[0], _mean_and_std(y)[0]
    if n == 0 or y_mean == 0:
        infinite = math.inf if n > 1 else NAN
        return Estimate(NAN, NAN, n, -infinite, infinite)
    ratio = x_mean / y_mean
    if n < 2:
        return Estimate(ratio, NAN, n, NAN, NAN)
    # In units of the means the quadratic has coefficients near 1, whatever the unit of the values.
    x_unit = abs(x_mean) or float(np.abs(x).max()) or 1.0
    x, y = x / x_unit, y / y_mean
    covariance = np.cov(x - x[0], y - y[0]) * t_quantile(n, confidence) ** 2 / n
    middle = _mean_and_std(x)[0]
    a = 1 - covariance[1, 1]
    if a <= 0:
        return Estimate(ratio, NAN, n, -math.inf, math.inf)
    b = middle - covariance[0, 1]
    c = middle * middle - covariance[0, 0]
    half = math.sqrt(max(0.0, b * b - a * c)) / a
    # `y` was divided by its signed mean, so a negative mean turns the interval round.
    ends = sorted(((b / a - half) * x_unit / y_mean, (b / a + half) * x_unit / y_mean))
    return Estimate(ratio, NAN, n, ends[0], ends[1])


def geometric_mean(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the mean of positive values on the logarithmic scale: exp of the logarithms' mean and of its t interval.

    Multiplicative scatter is symmetric on this scale, and the interval holds positive numbers only (Keene 1995; Bland &
    Altman 1996).

    Args:
        values: Any number of positive values, one per seed; those that are not finite are left out.
        confidence: Coverage of the interval.

    Returns:
        The geometric mean; `std` is that of the logarithms.

    Raises:
        ValueError: A finite value is not positive.
    """
    kept = _finite(values)
    if (kept <= 0).any():
        raise ValueError("a mean on the logarithmic scale needs positive values")
    if len(kept) and np.ptp(kept) <= _ROUNDING * kept.max():
        same = float(kept[0])
        width = 0.0 if len(kept) > 1 else NAN
        return Estimate(same, width, len(kept), same + width, same + width)
    logs = mean_interval(np.log(kept), confidence)
    return Estimate(math.exp(logs.mean), logs.std, logs.n, math.exp(logs.ci_low), math.exp(logs.ci_high))


def geometric_ratio(numerator: ArrayLike, denominator: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the ratio of paired positive values on the logarithmic scale: `geometric_mean` of single seeds' ratios.

    Args:
        numerator: Positive values, shape (seeds,).
        denominator: Positive values in the same order of seeds; pairs with a value that is not finite are left out.
        confidence: Coverage of the interval.

    Returns:
        The ratio; `std` is that of the logarithms.

    Raises:
        ValueError: A finite value is not positive.
    """
    x, y = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"paired values need one shape (seeds,), got {x.shape} and {y.shape}")
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if (x <= 0).any() or (y <= 0).any():
        raise ValueError("a ratio on the logarithmic scale needs positive values")
    return geometric_mean(x / y, confidence)


def within(estimate: Estimate, bounds: tuple[float, float] | None) -> Estimate:
    """Return an estimate whose interval does not leave the range of its quantity.

    The interval is cut at the bounds. Since the true value lies between them, the cut interval holds it exactly when
    the whole one does: its coverage is the same (Mandelkern 2002, on confidence intervals for bounded parameters). An
    infinite end says that nothing is known, and stays.

    Args:
        estimate: Any estimate.
        bounds: Smallest and largest possible value; None where there are none.
    """
    if bounds is None or math.isnan(estimate.ci_low):
        return estimate
    low, high = (
        end if math.isinf(end) else min(max(end, bounds[0]), bounds[1]) for end in (estimate.ci_low, estimate.ci_high)
    )
    return replace(estimate, ci_low=low, ci_high=high)


def log2_slope(x: ArrayLike, y: ArrayLike) -> float:
    """Return the least-squares slope of y against log₂ x: the change of y per doubling of x.

    Args:
        x: Positive values such as batch sizes, shape (points,).
        y: Values at them; points at which y is not finite are left out.

    Returns:
        The slope; NaN with fewer than two different x.
    """
    abscissa, values = np.log2(np.asarray(x, dtype=float)), np.asarray(y, dtype=float)
    known = np.isfinite(abscissa) & np.isfinite(values)
    abscissa, values = abscissa[known], values[known]
    if len(np.unique(abscissa)) < 2:
        return NAN
    centred = abscissa - abscissa.mean()
    return float(centred @ (values - values[0]) / (centred @ centred))


def trend(x: ArrayLike, y_by_seed: Sequence[ArrayLike], confidence: float = 0.95) -> Estimate:
    """Return the mean slope against log₂ x, one slope per seed, with the t interval over seeds.

    Seeds are the independent replicates; the points of one seed share its initial weights and are not. So the
    interval comes from the scatter of the slopes between seeds and not from the residuals of a fit.

    Args:
        x: Positive values, shape (points,).
        y_by_seed: For each seed the values at `x`.
        confidence: Coverage of the interval.

    Returns:
        The slope per doubling of x.
    """
    return mean_interval([log2_slope(x, y) for y in y_by_seed], confidence)
