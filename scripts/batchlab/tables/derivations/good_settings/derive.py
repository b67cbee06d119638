"""How many settings of the hyperparameters serve a batch size (Marek et al. 2025 draw the maps)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.tuned_runs.derive import end_of
from batchlab.tables.selection import require_column

_GROUP = ["study", "seed", "dataset", "model", "optimizer", "batch_size"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return for each batch size, optimizer and seed the share of settings that end near the best one.

    Args:
        tables: `history`; each arm is a setting.
        options: `metric`, `better` and `within`, in the unit of the table.

    Returns:
        One row for each group with a run that ended with a finite value. A run without one counts, and is not good.

    Raises:
        BatchlabError: History has no such metric, or no run ended with finite values.
    """
    history, metric = tables["history"], options["metric"]
    require_column(history, metric, "metric")
    sign = 1 if options["better"] == "higher" else -1
    ends = history.sort_values("epoch", kind="stable").groupby(["study", "arm", "seed"], sort=False).tail(1)
    rows = []
    for key, runs in ends.groupby(_GROUP, sort=False):
        values = sign * runs[metric].to_numpy(float)
        if not np.isfinite(values).any():
            continue
        best = int(np.nanargmax(values))
        # What differs by rounding alone is within.
        good = int((values >= values[best] - options["within"] - 1e-12).sum())
        found: dict[str, Any] = {
            "settings": len(values),
            "good": good,
            "share": good / len(values),
            "best": sign * values[best],
        }
        rates = runs["learning_rate"].to_numpy(float)
        found |= {"best_rate": rates[best], "grid_end": end_of(rates[best], list(rates))}
        rows.append({**dict(zip(_GROUP, key, strict=True)), **found})
    if not rows:
        raise BatchlabError("no run ended with finite values; take lower learning rates")
    return pd.DataFrame(rows)
