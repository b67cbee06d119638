"""What rules of thumb would have said and cost on this workload, as far as their settings were trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.chosen_rates import Chosen, behind, by_rate, chosen_rates, exponent
from batchlab.tables.resampling import interval

_EXPONENTS = {"constant": 0.0, "sqrt": 0.5, "linear": 1.0}
# Rates that differ by less are one.
_SAME = 0.01


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each rule and batch size whose setting was trained, and one for the measured rule.

    Args:
        tables: `cells`, `choices`.
        options: `present`.

    Raises:
        BatchlabError: There is no such recipe.
    """
    cells = tables["cells"]
    present = cells[cells["recipe"] == options["present"]]
    if present.empty:
        raise BatchlabError(f"present: the study has no recipe {options['present']}; name one of its arms")
    size, rate = int(present["batch_size"].iloc[0]), float(present["learning_rate"].iloc[0])
    losses = np.log(cells["seconds"].mask(cells["reached"] == 0))
    best = _best(tables["choices"], chosen_rates(cells, losses))
    rows = []
    for rule, wanted, asked, power in _rules(sorted(map(int, cells["batch_size"].unique())), size, rate):
        runs = cells[(cells["batch_size"] == wanted) & ((cells["learning_rate"] / asked - 1).abs() < _SAME)]
        if len(runs):
            arm = runs["arm"] == runs["arm"].iloc[0]
            rows.append(_row(rule, power, runs[arm].set_index("seed"), losses[runs.index[arm]], best))
    middle, low, high = exponent(by_rate(cells, losses))
    measured = {"rule": "measured", "exponent": middle, "exponent_low": low, "exponent_high": high}
    return pd.DataFrame([*rows, measured]).assign(study=cells["study"].iloc[0])


def _best(choices: pd.DataFrame, chosen: Mapping[int, Chosen]) -> pd.Series | None:
    """Return the logarithm of each seed's seconds to the target with the answer, cut into micro-batches as it says."""
    answer = choices[(choices["aim"] == "time") & (choices["verdict"] == "best")]
    if answer.empty:
        return None
    told = chosen[int(answer["batch_size"].iloc[0])].told
    return told + (math.log(answer["value"].iloc[0]) - told.mean())


def _rules(sizes: list[int], present: int, rate: float) -> Iterator[tuple[str, int, float, float]]:
    """Yield rule, batch size, learning rate and exponent."""
    yield "present", present, rate, math.nan
    yield "thirty-two", 32, rate, math.nan
    yield "largest", sizes[-1], rate, math.nan
    for size in sizes:
        if size != present:
            for rule, power in _EXPONENTS.items():
                yield rule, size, rate * (size / present) ** power, power


def _row(rule: str, power: float, runs: pd.DataFrame, losses: pd.Series, best: pd.Series | None) -> dict[str, Any]:
    seconds = pd.Series(losses.to_numpy(), index=runs.index)
    whole = bool(np.isfinite(seconds).all())
    cost = behind(seconds, best) if whole and best is not None else pd.Series([math.nan])
    low, high = interval(cost)
    return {
        "rule": rule,
        "batch_size": int(runs["batch_size"].iloc[0]),
        "learning_rate": float(runs["learning_rate"].iloc[0]),
        "exponent": power,
        "n": len(runs),
        "reached": int(runs["reached"].sum()),
        "seconds": math.exp(seconds.mean()) if whole else math.nan,
        "cost": math.exp(cost.mean()),
        "cost_low": math.exp(low),
        "cost_high": math.exp(high),
        "final": runs["final"].mean(),
    }
