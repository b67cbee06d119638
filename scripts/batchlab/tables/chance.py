"""Runs that end at chance level: they have learnt nothing, or have collapsed, though every number of theirs is finite.

Such a run is a result of its own. It is listed and counted, and kept out of means and intervals, which describe runs
that learn: a mean of 94, 95 and 10 % describes none of the three.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from batchlab.tables.selection import select
from batchlab.tasks.classification.constant import constant_accuracy, constant_loss

# Tables have nine significant digits.
_ROUNDING = 1e-6


@cache
def levels(data: str) -> tuple[float, float]:
    """Return the accuracy on the test set and the loss on the training set of constant predictions.

    Args:
        data: Path of a prepared data set.
    """
    with np.load(data, allow_pickle=False) as arrays:
        return constant_accuracy(arrays["y_test"]), constant_loss(arrays["y_train"])


def at_chance(history: pd.DataFrame, data: Mapping[str, str]) -> dict[str, list[int]]:
    """Return arm → seeds of the runs that end at chance level, for arms that have any.

    A run does if its test accuracy is at most that of the most frequent class, or its training loss at least that of
    the best constant prediction. A run without an update has not been trained, and is none of them.

    Args:
        history: Per arm, seed and evaluation.
        data: Arm → path of its prepared data set.
    """
    last = select(history, {"epoch": "last"})
    trained = last[(last["updates"] > 0) & (last["status"] != "diverged")]
    found: dict[str, list[int]] = {}
    for run in trained.to_dict("records"):
        accuracy, loss = levels(data[run["arm"]])
        if run["test_accuracy"] <= accuracy + _ROUNDING or run["train_loss"] >= loss - _ROUNDING:
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
