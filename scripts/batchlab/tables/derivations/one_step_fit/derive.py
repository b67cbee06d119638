"""The noise scale from one step, with its interval over draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchlab.tables.derivations.one_step_optimum.derive import SNAPSHOT, Losses, curve, losses_of
from batchlab.tables.intervals import t_quantile


def _jackknife(value: float, without: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval on the logarithmic scale from estimates that leave out one draw each (Tukey 1958)."""
    draws = len(without)
    if draws < 2 or not (math.isfinite(value) and np.isfinite(without).all()):
        return math.nan, math.nan
    error = math.sqrt((draws - 1) * float(np.log(without).var()))
    half = t_quantile(draws) * error
    return value * math.exp(-half), value * math.exp(half)


def step_fit(step_sizes: NDArray[np.float64], losses: Losses) -> dict[str, float]:
    """Return η_max and B_noise with their intervals.

    Draws of all batch sizes are left out together, one number of the draw after the other. There is no interval where
    one of these fits is not determined.

    Args:
        step_sizes: Shape (steps,).
        losses: Batch size → losses, shape (draws, steps).
    """
    rates, fitted = curve(step_sizes, losses)
    draws = min(len(values) for values in losses.values())
    others = [
        curve(step_sizes, {size: np.delete(values, draw, axis=0) for size, values in losses.items()})[1]
        for draw in range(draws if draws > 1 else 0)
    ]
    limits = _jackknife(1 / fitted.limit, np.array([1 / other.limit for other in others]))
    noises = _jackknife(fitted.critical, np.array([other.critical for other in others]))
    return {
        "rates": sum(math.isfinite(rate) for rate in rates.values()),
        "maximal_rate": 1 / fitted.limit,
        "maximal_rate_low": limits[0],
        "maximal_rate_high": limits[1],
        "step_noise": fitted.critical,
        "step_noise_low": noises[0],
        "step_noise_high": noises[1],
    }


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the fit at each snapshot of each seed.

    Args:
        tables: `one_step_draws`.
        options: None are read.
    """
    rows = []
    for keys, snapshot in tables["one_step_draws"].groupby(SNAPSHOT, sort=False, dropna=False):
        rows.append({**dict(zip(SNAPSHOT, keys, strict=True)), **step_fit(*losses_of(snapshot))})
    return pd.DataFrame(rows)
