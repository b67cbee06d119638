"""What each run of a grid needs to a target: updates and examples from its history, time from the idle machine.

Runs of a grid are trained side by side, so their own clocks say little; updates are counted, and an update has the time
that it takes when nothing else runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.steps_to_target.derive import derive as steps_to_target
from batchlab.tables.machine_model import machine_of
from batchlab.tables.selection import require_column

_RUN = ["study", "arm", "seed"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row for each run.

    Args:
        tables: `history`, `machine`, `throughput`, `workload`.
        options: `metric`, `better`, `present` and perhaps `target`.

    Raises:
        BatchlabError: History has no such metric or recipe, or no run ended with finite values.
    """
    history, machine = tables["history"], machine_of(tables)
    require_column(history, options["metric"], "metric")
    target = options.get("target")
    target = reachable(history, options) if target is None else float(target)
    wanted = {"metric": options["metric"], "target": target, "better": options["better"], "interpolate": True}
    found = steps_to_target({"history": history}, wanted)
    ends = history.sort_values("epoch", kind="stable").groupby(_RUN, sort=False).tail(1).set_index(_RUN)
    end = ends.loc[pd.MultiIndex.from_frame(found[_RUN])]
    micro = (found["batch_size"] // found["accumulation"]).astype(int)
    each = [machine.seconds_of(*split) for split in zip(micro, found["accumulation"].astype(int), strict=True)]
    evaluation = float(tables["workload"]["evaluation"].iloc[0])
    return found.assign(
        better=options["better"],
        final=end[options["metric"]].to_numpy(),
        seconds=found["updates"] * each,
        seconds_per_update=each,
        run_seconds=end["updates"].to_numpy() * each + end["epoch"].to_numpy() * evaluation,
        micro_batch=micro,
    )


def reachable(history: pd.DataFrame, options: Mapping[str, Any]) -> float:
    """Return the best value that every seed of the present setting reaches, or else of the setting with the best mean.

    Seeds are those that all settings have, so that more of them for some do not move the target.

    Args:
        history: The runs.
        options: `metric`, `better`, `present`.

    Raises:
        BatchlabError: There is no such recipe, or no run ended with finite values.
    """
    sign = 1 if options["better"] == "higher" else -1
    seeds = set.intersection(*(set(rows["seed"]) for _, rows in history.groupby("arm")))
    history = history[history["seed"].isin(seeds)]
    scores = history.assign(score=sign * history[options["metric"]], lost=history["status"] == "diverged")
    runs = scores.groupby(["recipe", "arm", "seed"], sort=False).agg({"score": "max", "lost": "any"}).reset_index()
    present = runs[runs["recipe"] == options["present"]]
    if present.empty:
        raise BatchlabError(f"present: the study has no recipe {options['present']}; name one of its arms")
    if present["lost"].any():
        whole = runs.groupby("arm").filter(lambda rows: not rows["lost"].any())
        if whole.empty:
            raise BatchlabError("no setting ended with finite values for all seeds; take lower learning rates")
        means = whole.groupby("arm")["score"].mean()
        present = whole[whole["arm"] == means.idxmax()]
    return float(sign * present["score"].min())
