"""One number per arm and metric with its interval over seeds, and how the arms differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def _without(frame: pd.DataFrame, collapsed: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Return the rows of the runs that have not collapsed."""
    if not collapsed:
        return frame
    gone = [seed in collapsed.get(arm, ()) for arm, seed in zip(frame["arm"], frame["seed"], strict=True)]
    return frame[[not each for each in gone]]


def summarise(
    arms: pd.DataFrame,
    history: pd.DataFrame,
    distances: pd.DataFrame,
    spec: Mapping[str, Any],
    collapsed: Mapping[str, Sequence[int]],
) -> pd.DataFrame:
    """Return mean, spread and 95 % t interval over seeds of every metric of every arm, at the arm's last epoch.

    A diverged run has no accuracy and no comparable time: it is left out of mean and n and counted in `diverged`. Its
    updates, its examples and its best validation epoch, if there was one, are kept. Of a run that has collapsed only
    what is counted or timed is kept. Intervals are cut at the bounds of their quantity.

    Args:
        arms: The study's arms, one row each.
        history: Per arm, seed and epoch.
        distances: Per arm, seed and snapshot.
        spec: `last`, `best`, `distances`, `derived`, `bounds`, `counted`, `tables`, see
            `batchlab.tables.study.study_tables`.
        collapsed: Arm → seeds of the runs that end at chance level.

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
    learnt = _without(last, collapsed)
    best, walked = _without(best, collapsed), _without(walked, collapsed)
    sources = [
        *((name, last if name in spec["counted"] else learnt, name) for name in spec["last"]),
        *((name, best, column) for name, column in spec["best"]),
        *((name, walked, name) for name in spec["distances"]),
    ]
    values = {name: source.groupby("arm")[column].apply(np.asarray) for name, source, column in sources}
    rows = []
    for arm in arms.to_dict("records"):
        for name, by_arm in values.items():
            estimate = intervals.within(
                intervals.mean_interval(by_arm.get(arm["arm"], [])), _bounds(spec["bounds"].get(name))
            )
            statistics: dict[str, Any] = {
                "metric": name,
                "mean": estimate.mean,
                "std": estimate.std,
                "n": estimate.n,
                "ci_low": estimate.ci_low,
                "ci_high": estimate.ci_high,
                "diverged": int(diverged.get(arm["arm"], 0)),
                "collapsed": len(collapsed.get(arm["arm"], ())),
            }
            rows.append({**{str(key): value for key, value in arm.items()}, **statistics})
    return pd.DataFrame(rows)[spec["tables"]["summary"]["order"]]


def _bounds(ends: Sequence[float] | None) -> tuple[float, float] | None:
    return (ends[0], ends[1]) if ends else None


def compare_arms(
    arms: pd.DataFrame, history: pd.DataFrame, spec: Mapping[str, Any], collapsed: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """Compare every arm with its reference, paired by seed, at the last epochs; collapsed runs are left out.

    An arm whose training is that of its reference is not compared: the difference is 0 whatever is true. `p_holm` is
    adjusted over all comparisons of one metric in the study, and the verdict is taken at 5 % of it. The interval is
    that of the single comparison, cut at the bounds of the difference.

    Args:
        arms: The study's arms.
        history: Per arm, seed and epoch.
        spec: `compared`, `derived`, `bounds`, `tables`, `arms` with their `segments`, and `reference`: the name of the
            arm to compare with, a filter of `arms`, or null. Where it fits several arms, each arm is compared with the
            one of the same data set that shares most of `SHARED_SETTINGS`, the first of equals.
        collapsed: Arm → seeds of the runs that end at chance level.

    Returns:
        One row per metric and compared arm with difference = arm − reference; none without a reference.

    Raises:
        BatchlabError: The reference fits no arm.
    """
    rows = []
    last = _without(select(history, {"epoch": "last"}, spec["derived"]), collapsed)
    training = {arm["arm"]: arm["segments"] for arm in spec["arms"]}
    pairs = [pair for pair in _pairs(arms, spec["reference"]) if training[pair[0]] != training[pair[1]]]
    for metric in spec["compared"]:
        none = pd.Series(dtype=float)
        by_arm = {arm: runs.set_index("seed")[metric] for arm, runs in last.groupby("arm")}
        widest = _widest(spec["bounds"].get(metric))
        compared = []
        for arm, other in pairs:
            shared = pd.concat([by_arm.get(arm, none), by_arm.get(other, none)], axis=1, join="inner").to_numpy(float)
            compared.append(intervals.paired_comparison(shared[:, 0], shared[:, 1]))
        adjusted = intervals.holm([result.p for result in compared])
        for (arm, other), result, p_holm in zip(pairs, compared, adjusted, strict=True):
            whole = intervals.Estimate(result.difference, result.std, result.n, result.ci_low, result.ci_high)
            cut = intervals.within(whole, widest)
            rows.append(
                {
                    "study": arms["study"].iloc[0],
                    "metric": metric,
                    "arm": arm,
                    "reference": other,
                    "difference": result.difference,
                    "ci_low": cut.ci_low,
                    "ci_high": cut.ci_high,
                    "n": result.n,
                    "p": result.p,
                    "p_holm": p_holm,
                    "effect_size": result.effect_size,
                    "verdict": _verdict(result.difference, float(p_holm)),
                }
            )
    return pd.DataFrame(rows, columns=spec["tables"]["comparisons"]["order"])


def _widest(ends: Sequence[float] | None) -> tuple[float, float] | None:
    """Return the bounds of a difference of two values of a bounded quantity."""
    return (ends[0] - ends[1], ends[1] - ends[0]) if ends else None


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
