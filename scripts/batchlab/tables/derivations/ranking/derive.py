"""The arms of a study in the order of a metric, each compared with the best one.

The best arm is the one with the highest mean of those of which every run has a value, so the others are compared with a
winner of these very seeds: a small lead flatters it. The adjustment by Holm's method covers the number of arms, not the
choice of the winner (Hsu 1984, "Constrained simultaneous confidence intervals for multiple comparisons with the best",
treats both for independent samples).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables import intervals
from batchlab.tables.selection import require_column, select

LEVEL = 0.05


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the arms, those of one data set and model together, the best of them first.

    Args:
        tables: `history`.
        options: `metric` (column), `better` (`higher` or `lower`), and `recipe`, of the arms that are ranked.

    Returns:
        One row for each arm. Runs without a finite value are not in its mean, and an arm that has any is never the best
        if another has none.

    Raises:
        BatchlabError: History has no such metric, or no arm such a recipe.
    """
    history, metric = tables["history"], options["metric"]
    require_column(history, metric, "metric")
    last = select(history, {"epoch": "last"})
    if recipe := options.get("recipe"):
        last = last[last["recipe"] == recipe]
        if last.empty:
            raise BatchlabError(f"recipe {recipe!r}: no arm has it")
    sign = 1 if options["better"] == "higher" else -1
    ranked = [_ranked(runs, metric, sign) for _, runs in last.groupby(["dataset", "model"], sort=False)]
    return pd.DataFrame([row for rows in ranked for row in rows], columns=[*last.columns, *_OWN])


_OWN = (
    *("metric", "mean", "n", "ci_low", "ci_high", "runs", "difference", "difference_low", "difference_high", "p_holm"),
    *("verdict", "last_epoch"),
)


def _ranked(last: pd.DataFrame, metric: str, sign: int) -> list[dict[str, Any]]:
    """Return one row for each arm, the best first; none where no run has a value."""
    arms = {arm: runs.set_index("seed") for arm, runs in last.groupby("arm", sort=False)}
    rows = [{**_mean(runs, metric), "arm": arm} for arm, runs in arms.items()]
    rows.sort(key=lambda row: (row["n"] < row["runs"], -sign * row["mean"] if row["n"] else float("inf")))
    if not rows[0]["n"]:
        return []
    best = arms[rows[0]["arm"]][metric]
    compared = []
    for row in rows[1:]:
        shared = pd.concat([arms[row["arm"]][metric], best], axis=1, join="inner").to_numpy(float)
        compared.append(intervals.paired_comparison(shared[:, 0], shared[:, 1]))
    adjusted = intervals.holm([result.p for result in compared])
    rows[0]["verdict"] = "best"
    for row, result, p_holm in zip(rows[1:], compared, adjusted, strict=True):
        row |= {
            "difference": result.difference,
            "difference_low": result.ci_low,
            "difference_high": result.ci_high,
            "p_holm": p_holm,
            "verdict": "worse" if p_holm < LEVEL and sign * result.difference < 0 else "cannot be told apart",
        }
    return rows


def _mean(runs: pd.DataFrame, metric: str) -> dict[str, Any]:
    """Return the settings of an arm, and the mean of its runs."""
    settings: dict[str, Any] = {str(name): value for name, value in runs.iloc[0].items()}
    estimate = intervals.mean_interval(runs[metric])
    return {
        **settings,
        "metric": metric,
        "mean": estimate.mean,
        "n": estimate.n,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "runs": len(runs),
        "last_epoch": runs["epoch"].max(),
    }
