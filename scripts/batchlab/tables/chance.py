"""Runs that end at chance level: they have learnt nothing, or have collapsed, though every number of theirs is finite.

Such a run is a result of its own. It is listed and counted, and kept out of means and intervals, which describe runs
that learn: a mean of 94, 95 and 10 % describes none of the three.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from batchlab.declarations.task import FIRST
from batchlab.tables.selection import select
from batchlab.tasks.levels import Level

# Tables have nine significant digits.
_ROUNDING = 1e-6


@cache
def levels(data: str, task: str) -> dict[str, Level]:
    """Return what constant predictions reach, by column of history.

    The code is the module `batchlab.tasks.<name>.constant`, with a function `levels(arrays, options)`.

    Args:
        data: Path of a prepared data set.
        task: Name and options of what is learnt, as JSON.
    """
    settings = json.loads(task)
    module = importlib.import_module(f"batchlab.tasks.{settings['name']}.constant")
    with np.load(data, allow_pickle=False) as arrays:
        found: dict[str, Level] = module.levels(arrays, settings)
    return found


def at_chance(
    history: pd.DataFrame, data: Mapping[str, str], task: Mapping[str, Any] | None = None
) -> dict[str, list[int]]:
    """Return arm → seeds of the runs that end at chance level, for arms that have any.

    A run does if one of the metrics that the task has a level of is not better than it. A run without an update has
    not been trained, and is none of them.

    Args:
        history: Per arm, seed and evaluation.
        data: Arm → path of its prepared data set.
        task: Name and options of what is learnt; the first task without them.
    """
    settings = json.dumps(task or {"name": FIRST})
    last = select(history, {"epoch": "last"})
    trained = last[(last["updates"] > 0) & (last["status"] != "diverged")]
    found: dict[str, list[int]] = {}
    for run in trained.to_dict("records"):
        of_data = levels(data[run["arm"]], settings)
        if any(level.missed(run[column], _ROUNDING) for column, level in of_data.items()):
            found.setdefault(run["arm"], []).append(int(run["seed"]))
    return found


def seeds_text(seeds: list[int]) -> str:
    """Return seeds as a table lists them."""
    return " ".join(map(str, seeds))


def collapsed_runs(arms: pd.DataFrame) -> set[tuple[Any, int]]:
    """Return (arm, seed) of the runs that a study's table `arms` lists as collapsed."""
    listed = arms[arms["collapsed"].notna()] if "collapsed" in arms else arms.head(0)
    pairs = zip(listed["arm"], listed["collapsed"], strict=True) if len(listed) else ()
    return {(arm, int(seed)) for arm, seeds in pairs for seed in str(seeds).split()}
