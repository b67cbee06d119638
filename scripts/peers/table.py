"""The table: what each chooser took, what its search cost, and what training to the target costs with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from batchlab.rounds.training_speed import Setting
from batchlab.tables.resampling import interval
from peers import OURS
from peers.choosing import Choice

Row = dict[str, Any]
# What a run needs to the target.
COSTS = ("seconds", "updates", "examples")


def rows(
    campaign: str, choices: Iterable[Choice], arms: Mapping[str, Setting], cells: Sequence[Mapping[str, str]]
) -> list[Row]:
    """Return one row for each chooser.

    Of seeds that miss the target the end of the run counts, so what such a row says is a lower bound, without an
    interval. `ratio` is how many times longer than ours training takes, seed by seed.

    Args:
        campaign: Name of the workload's campaign.
        choices: What was chosen, ours first.
        arms: Arm → setting, see `trial.settings`.
        cells: Runs of the trial.
    """
    taken = list(choices)
    runs = {choice.chooser: _runs(choice, arms, cells) for choice in taken}
    return [
        {
            "campaign": campaign,
            "chooser": choice.chooser,
            "batch_size": _number(choice.batch_size),
            "learning_rate": _number(choice.learning_rate),
            "search_seconds": _number(choice.seconds),
            "tried": choice.tried,
            "seeds": len(runs[choice.chooser]),
            "reached": sum(int(run["reached"]) for run in runs[choice.chooser].values()),
            **_costs(runs[choice.chooser]),
            **_ratio(runs[choice.chooser], runs[OURS]),
            "note": choice.note,
        }
        for choice in taken
    ]


def _runs(
    choice: Choice, arms: Mapping[str, Setting], cells: Sequence[Mapping[str, str]]
) -> dict[str, Mapping[str, str]]:
    """Return seed → run of a choice."""
    if choice.batch_size is None or choice.learning_rate is None:
        return {}
    wanted = Setting(choice.batch_size, 1, choice.learning_rate, 0)
    [arm] = [setting for setting in arms.values() if setting.same(wanted)]
    found = {}
    for row in cells:
        if arm.same(Setting(int(row["batch_size"]), 1, float(row["learning_rate"]), 0)):
            found[row["seed"]] = row
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _all_reach(runs: Mapping[str, Mapping[str, str]]) -> bool:
    return bool(runs) and all(int(run["reached"]) for run in runs.values())


def _costs(runs: Mapping[str, Mapping[str, str]]) -> Row:
    """Return geometric means over seeds, with 90 % intervals where all reach the target."""
    found: Row = {}
    for name in COSTS:
        logs = np.log([float(run[name]) for run in runs.values()])
        ends = interval(logs) if _all_reach(runs) else (math.nan, math.nan)
        found[name] = math.exp(logs.mean()) if len(logs) else math.nan
        found |= {f"{name}_low": math.exp(ends[0]), f"{name}_high": math.exp(ends[1])}
    return found


def _ratio(runs: Mapping[str, Mapping[str, str]], ours: Mapping[str, Mapping[str, str]]) -> Row:
    """Return the ratio of the seconds to ours; empty where ours miss the target."""
    ratio = low = high = math.nan
    if runs and _all_reach(ours):
        logs = np.array([math.log(float(run["seconds"]) / float(ours[seed]["seconds"])) for seed, run in runs.items()])
        ratio = math.exp(logs.mean())
        if _all_reach(runs):
            low, high = (math.exp(end) for end in interval(logs))
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high}
