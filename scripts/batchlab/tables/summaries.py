"""One number per arm and metric with its interval over seeds, and how the arms differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables import intervals
from batchlab.tables.selection import select

LEVEL = 0.05
# What a clock measured.
_CLOCKS = ("seconds", "seconds_per_epoch")

# Settings in which a reference should agree with the arm that it is compared with, where there are several.
SHARED_SETTINGS = (
    *("model", "optimizer", "precision", "recipe", "learning_rate_rule", "learning_rate", "batch_size"),
    *("accumulation", "budget", "phases"),
)


def summarise(
    arms: pd.DataFrame, history: pd.DataFrame, distances: pd.DataFrame, spec: Mapping[str, Any]
) -> pd.DataFrame:
    """Return mean, spread and 95 % t interval over seeds of every metric of every arm, at the arm's last epoch.

    A diverged run has no accuracy and no comparable time: it is left out of mean and n and counted in `diverged`. Its
    updates, its examples and its best validation epoch, if there was one, are kept.

    Args:
        arms: The study's arms, one row each.
        history: Per arm, seed and epoch.
        distances: Per arm, seed and snapshot.
        spec: `last`, `best`, `distances`, `derived`, `tables`, see `batchlab.tables.study.study_tables`.

    Returns:
        One row per arm and metric, in the order of `arms`.
    """
    last = select(history, {"epoch": "last"}, spec["derived"])
    best = select(history, {"epoch": "best"}, spec["derived"])
    best = best[best["validation_loss"].notna()]
    walked = select(distances, {"epoch": "last"})
    gone = last["status"] == "diverged"
    diverged = last[gone].groupby("arm").size()
    # The clock of a diverged run stops while its updates and examples are counted on.
    last = last.assign(**{column: last[column].mask(gone) for column in _CLOCKS if column in last})
    sources = [
        *((name, last, name) for name in spec["last"]),
        *((name, best, column) for name, column in spec["best"]),
        *((name, walked, name) for name in spec["distances"]),
    ]
    values = {name: source.groupby("arm")[column].apply(np.asarray) for name, source, column in sources}
    rows = []
    for arm in arms.to_dict("records"):
        for name, by_arm in values.items():
            estimate = intervals.mean_interval(by_arm.get(arm["arm"], []))
            statistics: dict[str, Any] = {
                "metric": name,
                "mean": estimate.mean,
                "std": estimate.std,
                "n": estimate.n,
                "ci_low": estimate.ci_low,
                "ci_high": estimate.ci_high,
                "diverged": int(diverged.get(arm["arm"], 0)),
            }
            rows.append({**{str(key): value for key, value in arm.items()}, **statistics})
    return pd.DataFrame(rows)[spec["tables"]["summary"]["order"]]


def compare_arms(arms: pd.DataFrame, history: pd.DataFrame, spec: Mapping[str, Any]) -> pd.DataFrame:
    """Compare every arm with its reference, paired by seed, at the last epochs.

    `p_holm` is adjusted over all comparisons of one metric in the study, and the verdict is taken at 5 % of it. The
    interval is that of the single comparison.

    Args:
        arms: The study's arms.
        history: Per arm, seed and epoch.
        spec: `compared`, `derived`, `tables`, and `reference`: the name of the arm to compare with, a filter of
            `arms`, or null. Where it fits several arms, each arm is compared with the one of the same data set that
            shares most of `SHARED_SETTINGS`, the first of equals.

    Returns:
        One row per metric and compared arm with difference = arm − reference; none without a reference.

    Raises:
        BatchlabError: The reference fits no arm.
    """
    rows = []
    last = select(history, {"epoch": "last"}, spec["derived"])
    pairs = _pairs(arms, spec["reference"])
    for metric in spec["compared"]:
        by_arm = {arm: runs.set_index("seed")[metric] for arm, runs in last.groupby("arm")}
        compared = []
        for arm, other in pairs:
            shared = pd.concat([by_arm[arm], by_arm[other]], axis=1, join="inner").to_numpy(float)
            compared.append(intervals.paired_comparison(shared[:, 0], shared[:, 1]))
        adjusted = intervals.holm([result.p for result in compared])
        for (arm, other), result, p_holm in zip(pairs, compared, adjusted, strict=True):
            rows.append(
                {
                    "study": arms["study"].iloc[0],
                    "metric": metric,
                    "arm": arm,
                    "reference": other,
                    "difference": result.difference,
                    "ci_low": result.ci_low,
                    "ci_high": result.ci_high,
                    "n": result.n,
                    "p": result.p,
                    "p_holm": p_holm,
                    "effect_size": result.effect_size,
                    "verdict": _verdict(result.difference, float(p_holm)),
                }
            )
    return pd.DataFrame(rows, columns=spec["tables"]["comparisons"]["order"])


def _verdict(difference: float, p_holm: float) -> str:
    if not p_holm < LEVEL:
        return "cannot be told apart"
    return "higher" if difference > 0 else "lower"


def _pairs(arms: pd.DataFrame, reference: str | Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return (arm, reference) for every arm that is not itself a reference."""
    if reference is None:
        return []
    chosen = select(arms, {"arm": reference} if isinstance(reference, str) else reference)
    if chosen.empty:
        raise BatchlabError(f"reference {reference!r}: fits no arm; the study has {', '.join(arms['arm'])}")
    candidates = chosen.to_dict("records")
    pairs = []
    for arm in arms.to_dict("records"):
        same_data = [other for other in candidates if other["dataset"] == arm["dataset"]]
        if arm["arm"] in set(chosen["arm"]) or not same_data:
            continue
        nearest = max(same_data, key=lambda other: sum(other[name] == arm[name] for name in SHARED_SETTINGS))
        pairs.append((arm["arm"], nearest["arm"]))
    return pairs
