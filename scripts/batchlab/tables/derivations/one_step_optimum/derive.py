"""The best rate of one step for each batch size, and the curve through them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from batchlab.tables.saturation import Saturation, fit

SNAPSHOT = ["study", "arm", "epoch", "probe", "recipe", "label", "seed"]

# Losses of one batch size, shape (draws, steps).
Losses = dict[int, NDArray[np.float64]]


def best_rate(step_sizes: ArrayLike, losses: ArrayLike) -> float:
    """Return the step size of the lowest loss: the vertex of the parabola through it and its neighbours.

    The loss is quadratic in the step size to second order, so the parabola is one over η, not over its logarithm.

    Args:
        step_sizes: Rising.
        losses: One for each; such as are not finite count as larger than any other.

    Returns:
        NaN where the lowest loss is at an end of the step sizes, or beside a loss that is not finite.
    """
    sizes, values = np.asarray(step_sizes, dtype=float), np.asarray(losses, dtype=float)
    lowest = int(np.argmin(np.where(np.isfinite(values), values, math.inf)))
    if lowest in (0, len(values) - 1):
        return math.nan
    (left, middle, right), (before, here, after) = (part[lowest - 1 : lowest + 2] for part in (sizes, values))
    falling, rising = (here - before) / (middle - left), (after - here) / (right - middle)
    if not (math.isfinite(falling) and math.isfinite(rising) and rising > falling):
        return math.nan
    # The slope of the parabola is falling halfway from left to middle, and rising halfway from middle to right.
    return float((left + middle) / 2 - falling * (right - left) / 2 / (rising - falling))


def losses_of(snapshot: pd.DataFrame) -> tuple[NDArray[np.float64], Losses]:
    """Return the step sizes and the losses of each batch size of one snapshot of one seed."""
    tables = {
        int(size): part.pivot(index="draw", columns="step_size", values="held_out_loss").sort_index(axis=1)
        for size in sorted(snapshot["batch_size"].unique())
        for part in [snapshot[snapshot["batch_size"] == size]]
    }
    steps = next(iter(tables.values())).columns.to_numpy(float)
    return steps, {size: table.to_numpy(float) for size, table in tables.items()}


def curve(step_sizes: ArrayLike, losses: Losses) -> tuple[dict[int, float], Saturation]:
    """Return the best rate of each batch size, and the curve of their inverses."""
    rates = {size: best_rate(step_sizes, values.mean(axis=0)) for size, values in losses.items()}
    return rates, fit(list(rates), [1 / rate for rate in rates.values()])


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the best rate of each batch size at each snapshot of each seed.

    Args:
        tables: `one_step_draws`.
        options: None are read.
    """
    rows = []
    for keys, snapshot in tables["one_step_draws"].groupby(SNAPSHOT, sort=False, dropna=False):
        rates, fitted = curve(*losses_of(snapshot))
        for size, rate in rates.items():
            expected = 1 / float(fitted.at(size))
            found = {"best_rate": rate, "fitted_rate": expected, "rate_over_fit": rate / expected}
            rows.append({**dict(zip(SNAPSHOT, keys, strict=True)), "batch_size": size, **found})
    return pd.DataFrame(rows)
