"""Runs at the learning rate that was tuned for each batch size.

Every batch size has the same grid of rates. For each seed the rate is the one that the other seeds choose, so that the
choice does not flatter what is told of this seed: with a target, the rate with the fewest updates of those with which
all other seeds reach it (Shallue et al. 2019 count steps at the best of many rates), else the one with the best last
value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.steps_to_target.derive import BUDGETS
from batchlab.tables.derivations.steps_to_target.derive import derive as steps_to_target
from batchlab.tables.selection import require_column

GROUP = ["study", "dataset", "model", "optimizer", "precision", "accumulation"]


@dataclass(frozen=True)
class Tuned:
    """The runs of one data set and model at one batch size.

    Attributes:
        settings: What they share.
        runs: One row for each rate and seed, where it reached the target or ended.
        rates: The rates in order.
        feasible: How many of them served every seed.
        choices: Seed → the rate that the other seeds choose.
    """

    settings: Mapping[str, Any]
    runs: pd.DataFrame
    rates: list[float]
    feasible: int
    choices: Mapping[int, float]

    def end(self, seed: int) -> str:
        """Return at which end of the rates the one lies that a seed has."""
        return end_of(self.choices[seed], self.rates)

    def row(self, seed: int, rate: float) -> dict[str, Any]:
        """Return what is told of a seed's run at a rate; empty cells if no run has the rate."""
        found = self.runs[(self.runs["seed"] == seed) & (self.runs["learning_rate"] == rate)]
        told: dict[str, Any] = {"arm": "", "value": math.nan, "reached": 0, **dict.fromkeys(BUDGETS, math.nan)}
        if len(found):
            run = found.iloc[0]
            told = {key: run[key] for key in told}
        own = {"seed": seed, "learning_rate": rate, "rates": len(self.rates), "feasible": self.feasible}
        return {**self.settings, **told, **own}


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return each seed's run at each batch size.

    Args:
        tables: `history`, with several learning rates for each batch size.
        options: `metric`, `target`, `better`, `interpolate`, `recipes`; see `declaration`.

    Returns:
        One row for each batch size and seed. A run that has not reached the target has the budgets of its end.

    Raises:
        BatchlabError: History has no such metric, or two arms have one batch size and rate.
    """
    rows = [
        {**tuned.row(seed, rate), "grid_end": tuned.end(seed)}
        for group in tuned_groups(tables["history"], options)
        for tuned in group.values()
        for seed, rate in tuned.choices.items()
    ]
    return beside_perfect(pd.DataFrame(rows), [*GROUP, "seed"])


def tuned_groups(history: pd.DataFrame, options: Mapping[str, Any]) -> Iterator[dict[int, Tuned]]:
    """Yield batch size → its runs, for each data set, model and optimizer."""
    require_column(history, options["metric"], "metric")
    if (recipes := options.get("recipes")) is not None:
        history = history[history["recipe"].isin(recipes)]
    runs = _runs(history, options)
    same = [*GROUP, "batch_size", "learning_rate", "seed"]
    if (twice := runs.duplicated(same)).any():
        arm = runs.loc[twice, "arm"].iloc[0]
        raise BatchlabError(f"arm {arm} has the batch size and learning rate of another one; give every arm its own")
    for _, group in runs.groupby(GROUP, sort=False):
        sizes = sorted(map(int, group["batch_size"].unique()))
        yield {size: _tuned(group[group["batch_size"] == size]) for size in sizes}


def beside_perfect(rows: pd.DataFrame, series: list[str]) -> pd.DataFrame:
    """Add the updates of perfect scaling from the smallest batch size of each series that has reached the target.

    Args:
        rows: What `Tuned.row` returns.
        series: Columns in which the rows of one series agree.
    """
    there = rows[rows["reached"] == 1].sort_values("batch_size", kind="stable").groupby(series, sort=False).head(1)
    start = there.assign(start=there["updates"] * there["batch_size"], perfect_end=there["grid_end"])
    start["smallest"] = start["batch_size"]
    rows = rows.merge(start[[*series, "start", "smallest", "perfect_end"]], on=series, how="left")
    rows["perfect_end"] = rows["perfect_end"].where(rows["batch_size"] != rows["smallest"], "")
    rows["perfect"] = rows["start"] / rows["batch_size"]
    rows["of_perfect"] = rows["updates"] / rows["perfect"]
    return rows


def _runs(history: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row for each run, where it reached the target or ended.

    The choice minimises `cost`, which is missing where a run did not reach the target or did not end with a finite
    value; `merit` is larger for a better metric.
    """
    sign = 1 if options["better"] == "higher" else -1
    if options.get("target") is not None:
        runs = steps_to_target({"history": history}, options)
        # Geometric means, as of everything positive.
        runs["cost"] = np.log(runs["updates"].clip(lower=1)).where(runs["reached"] == 1)
    else:
        runs = history.sort_values("epoch", kind="stable").groupby(["study", "arm", "seed"], sort=False).tail(1).copy()
        runs["value"] = runs[options["metric"]]
        runs["reached"] = np.isfinite(runs["value"].astype(float)).astype(int)
        runs["cost"] = -sign * runs["value"]
    runs["merit"] = sign * runs["value"]
    return runs


def _tuned(runs: pd.DataFrame) -> Tuned:
    table = {
        name: runs.set_index(["seed", "learning_rate"])[name].unstack().sort_index(axis=1)
        for name in ("cost", "merit", "reached")
    }
    choices = {}
    for seed in table["cost"].index:
        # A single seed chooses for itself.
        others = {name: values.drop(index=seed) if len(values) > 1 else values for name, values in table.items()}
        choices[int(seed)] = _choice(**others)
    first = runs.iloc[0]
    return Tuned(
        settings={key: first[key] for key in (*GROUP, "batch_size")},
        runs=runs,
        rates=[float(rate) for rate in table["cost"].columns],
        feasible=int(table["cost"].notna().all().sum()),
        choices=choices,
    )


def _choice(cost: pd.DataFrame, merit: pd.DataFrame, reached: pd.DataFrame) -> float:
    """Return the rate that these seeds choose, the smallest of equal ones."""
    means = cost.mean(skipna=False)
    if means.notna().any():
        return _rate(means.idxmin())
    # No rate serves all of them: the one that served most, of these the one that came nearest.
    order = pd.DataFrame({"reached": reached.mean(), "merit": merit.mean().fillna(-math.inf)})
    return _rate(order.sort_values(["reached", "merit"], ascending=False, kind="stable").index[0])


def end_of(rate: float, rates: Sequence[float]) -> str:
    """Return at which end of the rates that were tried one lies: `low`, `high`, `both`, or nothing inside."""
    return {(True, False): "low", (False, True): "high", (True, True): "both"}.get(
        (rate <= min(rates), rate >= max(rates)), ""
    )


def _rate(label: Any) -> float:
    return float(label)
