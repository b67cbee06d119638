"""The batch size at which updates exceed perfect scaling by a given share (Zhang et al. 2024: 20 %)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError

_GROUP = ["study", "seed", "dataset", "model", "optimizer"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return for each workload and seed the batch size at which updates / perfect scaling passes 1 + `excess`.

    Args:
        tables: `tuned_runs` to a target.
        options: `excess`.

    Raises:
        BatchlabError: No run has reached the target.
    """
    runs = tables["tuned_runs"]
    rows = []
    for key, found in runs[runs["reached"] == 1].groupby(_GROUP, sort=False):
        ordered = found.sort_values("batch_size", kind="stable")
        critical, reached = crossing(
            ordered["batch_size"].to_numpy(float), ordered["of_perfect"].to_numpy(float), 1 + options["excess"]
        )
        own: dict[str, Any] = {"critical": critical, "reached": int(reached), "sizes": len(ordered)}
        own["grid_end"] = "both" if (ordered["grid_end"].fillna("") != "").any() else ""
        rows.append({**dict(zip(_GROUP, key, strict=True)), **own})
    if not rows:
        raise BatchlabError("no run has reached the target; take a target that is nearer, or more epochs")
    return pd.DataFrame(rows)


def crossing(sizes: np.ndarray[Any, Any], excess: np.ndarray[Any, Any], level: float) -> tuple[float, bool]:
    """Return where a curve passes a level for the first time, and whether it does; else the last size.

    Args:
        sizes: Batch sizes in order, shape (n,).
        excess: What is to pass the level, positive, shape (n,).
        level: The level.
    """
    above = np.flatnonzero(excess > level)
    if not above.size:
        return float(sizes[-1]), False
    if (end := int(above[0])) == 0:
        return float(sizes[0]), True
    share = math.log(level / excess[end - 1]) / math.log(excess[end] / excess[end - 1])
    return float(sizes[end - 1] * (sizes[end] / sizes[end - 1]) ** share), True
