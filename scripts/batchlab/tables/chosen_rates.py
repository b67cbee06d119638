"""Of each batch size of a grid the best learning rate, and what it reaches, judged on seeds that did not choose it.

Settings may have seeds of their own beside those that all have, where more seeds were worth their time. Rates of a size
are compared by the seeds that all of them have, and sizes by the seeds that both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batchlab.tables.resampling import draws, interval


@dataclass(frozen=True)
class Chosen:
    """What one batch size reaches at its best rate.

    Attributes:
        arm: The setting with the best rate, by the seeds that all rates have.
        learning_rate: Its rate.
        rate_low: 5th percentile of the best rate when seeds are resampled; NaN where that is not known.
        rate_high: 95th percentile.
        edge: Whether it is the lowest or the highest rate that was tried at this size.
        told: Seed → loss of the rate that the other seeds choose, of those that fail with the fewest seeds; infinite
            where that fails.
    """

    arm: str
    learning_rate: float
    rate_low: float
    rate_high: float
    edge: bool
    told: pd.Series


def chosen_rates(cells: pd.DataFrame, losses: pd.Series) -> dict[int, Chosen]:
    """Return batch size → its best rate, in order of size.

    Args:
        cells: Runs with `arm`, `batch_size`, `learning_rate` and `seed`.
        losses: What is to be low, one for each run; infinite or NaN for a run that fails.
    """
    found = {}
    for size, table in by_rate(cells, losses).items():
        common = table.dropna(axis="columns")
        values = common.to_numpy()
        arm, rate = common.index[best_row(values)]
        rates = sorted(table.index.get_level_values("learning_rate"))
        # A rate that fails with a seed is no choice beside one that never does, whatever the other seeds say of it.
        fails = (~np.isfinite(values)).sum(axis=1)
        sound = values[fails == fails.min()]
        seeds = range(values.shape[1])
        chooser = [best_row(np.delete(sound, seed, axis=1) if len(seeds) > 1 else sound) for seed in seeds]
        told = pd.Series(sound[chooser, list(seeds)], index=common.columns)
        # Seeds that the chosen rate has for itself did not choose it.
        more = table.loc[(arm, rate)].dropna().drop(common.columns)
        edge = len(rates) > 1 and rate in (rates[0], rates[-1])
        found[size] = Chosen(str(arm), float(rate), *_rates(common), edge, pd.concat([told, more]))
    return found


def _rates(table: pd.DataFrame) -> tuple[float, float]:
    """Return the 5th and 95th percentile of the best rate, each a rate that was tried, when seeds are resampled."""
    means = table.to_numpy()[:, draws(table.shape[1])].mean(axis=2)
    means = means[:, np.isfinite(means).any(axis=0)]
    if not means.size or table.shape[1] < 2:
        return np.nan, np.nan
    best = table.index.get_level_values("learning_rate").to_numpy()[means.argmin(axis=0)]
    low, high = np.quantile(best, [0.05, 0.95], method="inverted_cdf")
    return float(low), float(high)


def common_seeds(told: Iterable[pd.Series]) -> list[int]:
    """Return the seeds that all have, in order."""
    return sorted(set.intersection(*(set(each.index) for each in told)))


def best_size(chosen: Mapping[int, Chosen]) -> int | None:
    """Return the batch size with the lowest mean, the larger one of equals; None if each has a seed that fails.

    Sizes that cannot be told apart from the best by the seeds that all have are compared by those which they have.
    """
    whole = {size: each.told for size, each in chosen.items() if np.isfinite(each.told).all()}

    def lowest(told: Mapping[int, pd.Series]) -> int:
        common = common_seeds(told.values())
        return min(told, key=lambda size: (float(told[size][common].mean()), -size))

    if not whole:
        return None
    first = whole[lowest(whole)]
    close = {size: told for size, told in whole.items() if told is first or not interval(behind(told, first))[0] > 0}
    return lowest(close)


def behind(told: pd.Series, best: pd.Series) -> pd.Series:
    """Return how much more one loses than the other, for each seed that both have."""
    common = common_seeds((told, best))
    return told[common] - best[common]


def by_rate(cells: pd.DataFrame, losses: pd.Series) -> dict[int, pd.DataFrame]:
    """Return batch size → losses with a row for each arm and learning rate and a column for each seed.

    A run that fails has an infinite loss, and a seed that a setting lacks has NaN.
    """
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

    Seeds are those that all settings have. Sizes of which no rate succeeds with all of them are left out; with fewer
    than two sizes all are NaN.
    """
    columns = [table.dropna(axis="columns").columns for table in tables.values()]
    seeds = sorted(set.intersection(*map(set, columns))) if columns else []
    shared = {size: table[seeds] for size, table in tables.items()}
    used = {size: table for size, table in shared.items() if np.isfinite(table.to_numpy()).all(axis=1).any()}
    if len(used) < 2:
        return np.nan, np.nan, np.nan
    sizes = np.log(np.array(list(used), float))
    all_seeds = np.arange(len(seeds))[None]

    def slopes(taken: NDArray[np.intp]) -> NDArray[np.float64]:
        best = []
        for table in used.values():
            means = table.to_numpy()[:, taken].mean(axis=2)
            best.append(np.log(table.index.get_level_values("learning_rate").to_numpy())[means.argmin(axis=0)])
        centred = sizes - sizes.mean()
        slope: NDArray[np.float64] = centred @ np.array(best) / (centred @ centred)
        return slope

    low, high = np.quantile(slopes(draws(len(seeds))), [0.05, 0.95])
    # Rates are given with few digits; what is left of equal ones is rounding.
    middle, low, high = (round(float(value), 6) + 0.0 for value in (slopes(all_seeds)[0], low, high))
    return middle, low, high
