"""Of each batch size of a grid the best learning rate, and what it reaches, judged on seeds that did not choose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchlab.tables.resampling import draws


@dataclass(frozen=True)
class Chosen:
    """What one batch size reaches at its best rate.

    Attributes:
        arm: The setting with the best rate, by all seeds.
        learning_rate: Its rate.
        edge: Whether it is the lowest or the highest rate that was tried at this size.
        told: For each seed the loss of the rate that the other seeds choose; infinite where that fails.
    """

    arm: str
    learning_rate: float
    edge: bool
    told: NDArray[np.float64]


def chosen_rates(cells: pd.DataFrame, losses: pd.Series) -> dict[int, Chosen]:
    """Return batch size → its best rate, in order of size.

    Args:
        cells: Runs with `arm`, `batch_size`, `learning_rate` and `seed`; each arm has the same seeds.
        losses: What is to be low, one for each run; infinite or NaN for a run that fails.
    """
    found = {}
    for size, table in by_rate(cells, losses).items():
        values = table.to_numpy()
        arm, rate = table.index[best_row(values)]
        rates = sorted(table.index.get_level_values("learning_rate"))
        seeds = range(values.shape[1])
        chooser = [best_row(np.delete(values, seed, axis=1) if len(seeds) > 1 else values) for seed in seeds]
        told = values[chooser, list(seeds)]
        found[size] = Chosen(str(arm), float(rate), len(rates) > 1 and rate in (rates[0], rates[-1]), told)
    return found


def by_rate(cells: pd.DataFrame, losses: pd.Series) -> dict[int, pd.DataFrame]:
    """Return batch size → losses with a row for each arm and learning rate and a column for each seed."""
    whole = cells.assign(loss=losses.fillna(np.inf))
    return {
        int(rows["batch_size"].iloc[0]): rows.pivot(
            index=["arm", "learning_rate"], columns="seed", values="loss"
        ).sort_index(level=1)
        for _, rows in whole.groupby("batch_size")
    }


def best_row(values: NDArray[np.float64]) -> int:
    """Return the row with the lowest mean; if each has a seed that fails, the one with fewest, then the lowest mean."""
    fails = (~np.isfinite(values)).sum(axis=1)
    means = np.where(np.isfinite(values), values, 0).sum(axis=1) / np.maximum(values.shape[1] - fails, 1)
    return int(np.lexsort((means, fails))[0])


def exponent(tables: Mapping[int, pd.DataFrame]) -> tuple[float, float, float]:
    """Return how the best rate follows the batch size, η ∝ B^x: x by all seeds, and 5th and 95th percentile of draws.

    Sizes of which no rate succeeds with all seeds are left out; with fewer than two sizes all are NaN.
    """
    used = {size: table for size, table in tables.items() if np.isfinite(table.to_numpy()).all(axis=1).any()}
    if len(used) < 2:
        return np.nan, np.nan, np.nan
    sizes = np.log(np.array(list(used), float))
    count = next(iter(used.values())).shape[1]
    all_seeds = np.arange(count)[None]

    def slopes(taken: NDArray[np.intp]) -> NDArray[np.float64]:
        best = []
        for table in used.values():
            means = table.to_numpy()[:, taken].mean(axis=2)
            best.append(np.log(table.index.get_level_values("learning_rate").to_numpy())[means.argmin(axis=0)])
        centred = sizes - sizes.mean()
        slope: NDArray[np.float64] = centred @ np.array(best) / (centred @ centred)
        return slope

    low, high = np.quantile(slopes(draws(count)), [0.05, 0.95])
    # Rates are given with few digits; what is left of equal ones is rounding.
    middle, low, high = (round(float(value), 6) + 0.0 for value in (slopes(all_seeds)[0], low, high))
    return middle, low, high
