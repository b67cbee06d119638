"""The gradient noise scale with its interval over draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from batchlab.tables import intervals

_SAMPLE = ["study", "arm", "epoch", "probe", "seed", "estimator"]


def noise_scale(trace: ArrayLike, squared_norm: ArrayLike) -> dict[str, float]:
    """Return b = tr Σ / ‖G‖² from unbiased estimates of both, one for each draw.

    Numerator and denominator are averaged separately, because the mean of quotients is biased. The interval is
    Fieller's (1954): the quotients that the draws do not rule out. It is not symmetric and, where ‖G‖² can be told from
    0, holds positive numbers only, so it can be drawn on a logarithmic scale; where ‖G‖² cannot, no quotient is too
    large, and b is not determined: there is a lower bound, the lower end of tr Σ over the upper end of ‖G‖², each at
    97.5 % on one side.

    Args:
        trace: tr Σ of each draw, shape (draws,).
        squared_norm: ‖G‖² of each draw. One draw alone is taken for exact and has no interval.

    Returns:
        `draws`, `trace`, `squared_norm`, `noise_scale`, `noise_scale_low`, `noise_scale_high`, `noise_scale_bound`,
        `determined`.
    """
    above, below = np.asarray(trace, dtype=float), np.asarray(squared_norm, dtype=float)
    quotient = intervals.ratio_of_means(above, below)
    numerator, denominator = intervals.mean_interval(above), intervals.mean_interval(below)
    found = {"draws": len(above), "trace": numerator.mean, "squared_norm": denominator.mean}
    alone = len(above) == 1
    if denominator.mean > 0 and numerator.mean >= 0 and (alone or denominator.ci_low > 0):
        low = quotient.ci_low if alone else max(quotient.ci_low, 0.0)
        return {**found, **_estimate(quotient.mean, low, quotient.ci_high, quotient.mean), "determined": 1}
    bound = math.nan
    if not alone and denominator.ci_high > 0:
        bound = max(numerator.ci_low, 0.0) / denominator.ci_high
    return {**found, **_estimate(math.nan, bound, math.nan, bound), "determined": 0}


def _estimate(value: float, low: float, high: float, bound: float) -> dict[str, float]:
    return {"noise_scale": value, "noise_scale_low": low, "noise_scale_high": high, "noise_scale_bound": bound}


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the noise scale of each snapshot, seed and estimator.

    Args:
        tables: `noise_draws`.
        options: None are read.
    """
    rows = []
    for _, draws in tables["noise_draws"].groupby(_SAMPLE, sort=False, dropna=False):
        rows.append({**draws.iloc[0], **noise_scale(draws["trace"], draws["squared_norm"])})
    return pd.DataFrame(rows)
