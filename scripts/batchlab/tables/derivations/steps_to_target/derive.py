"""How long training takes to reach a target, run by run.

A run that does not reach the target is censored: it is kept with its end, `reached` is 0, and whoever averages over
runs has to say so (Shallue et al. 2019, "Measuring the effects of data parallelism on neural network training", count
steps to a target in the same way).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.selection import require_column

BUDGETS = ("epoch", "updates", "examples", "seconds")
_RUN = ["study", "arm", "seed"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the first evaluation of each run at which a metric has reached a target.

    Args:
        tables: `history`.
        options: `metric` (column), `target`, `better` (`higher` or `lower`), `interpolate`.

    Returns:
        One row for each study, arm and seed, in the order of history: metric, target, reached, value, the four budgets
        at the evaluation, status and the settings of the arm's last phase. A run that does not reach the target has its
        last evaluation's budgets and its best value.

    Raises:
        BatchlabError: History has no such metric.
    """
    history, metric, target = tables["history"], options["metric"], float(options["target"])
    require_column(history, metric, "metric")
    if not pd.api.types.is_numeric_dtype(history[metric]):
        raise BatchlabError(f"metric {metric} holds text; name a column of numbers")
    sign = 1 if options["better"] == "higher" else -1
    rows = []
    for _, run in history.groupby(_RUN, sort=False):
        ordered = run.sort_values("epoch", kind="stable")
        last = ordered.iloc[-1]
        crossing = _crossing(ordered, metric, target, sign, interpolate=options["interpolate"])
        if crossing is None:
            best = (sign * ordered[metric]).max()
            crossing = {"reached": 0, "value": sign * best, **{budget: last[budget] for budget in BUDGETS}}
        rows.append({**last, **crossing, "metric": metric, "target": target})
    return pd.DataFrame(rows)


def _crossing(
    run: pd.DataFrame, metric: str, target: float, sign: int, *, interpolate: bool
) -> dict[str, float] | None:
    """Return value and budgets at the first evaluation that reaches the target; None if there is none."""
    good = (sign * run[metric] >= sign * target).to_numpy()
    if not good.any():
        return None
    place = int(good.argmax())
    there = run.iloc[place]
    found = {"reached": 1, "value": there[metric], **{budget: there[budget] for budget in BUDGETS}}
    before = run.iloc[place - 1] if place else None
    if not interpolate or before is None or pd.isna(before[metric]):
        return found
    share = (target - before[metric]) / (there[metric] - before[metric])
    between = {budget: before[budget] + share * (there[budget] - before[budget]) for budget in BUDGETS}
    return {**found, "value": target, **between}
