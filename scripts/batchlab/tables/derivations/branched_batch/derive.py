"""The critical batch size by branches, by equivalence over seeds.

Merrill et al. 2025 (arXiv:2505.23971) take the largest k whose smoothed loss is within a fixed tolerance of that of all
smaller ones, from one run each. Here losses at fixed weights are compared seed by seed, and the interval decides: k is
no worse than j if the whole interval of loss(k) / loss(j) lies below 1 + margin, and worse if it lies above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.tables.intervals import geometric_ratio

_AGE = ["study", "trunk", "epoch", "learning_rate_rule"]


def critical(losses: pd.DataFrame, margin: float) -> tuple[float, float]:
    """Return the largest batch size that is no worse than all smaller ones, and the smallest that is worse than one.

    A batch size counts only if all smaller ones do. Where a run diverged, a batch size is worse.

    Args:
        losses: One row for each seed, one column for each batch size; NaN for a run that diverged.
        margin: Share of a loss that counts as no worse.

    Returns:
        Both are NaN if a branch at the smallest size diverged, with which others are compared. The second is NaN if no
        batch size is worse. The first is the smallest batch size if no other is shown to be as
        good, as with a single seed.
    """
    ordered = losses.sort_index(axis=1)
    sizes, best, above = list(ordered.columns), float(ordered.columns[0]), math.nan
    going = True
    if ordered[sizes[0]].isna().any():
        return math.nan, math.nan
    for place, size in enumerate(sizes[1:], start=1):
        if ordered[size].isna().any():
            worse, as_good = True, False
        else:
            ratios = [geometric_ratio(ordered[size], ordered[smaller]) for smaller in sizes[:place]]
            worse = any(ratio.ci_low > 1 + margin for ratio in ratios)
            as_good = all(ratio.ci_high < 1 + margin for ratio in ratios)
        going = going and as_good
        best = float(size) if going else best
        if worse:
            above = float(size)
            break
    return best, above


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the critical batch size at each age of each trunk.

    Args:
        tables: `branch_losses`.
        options: `margin`.
    """
    rows = []
    for keys, branches in tables["branch_losses"].groupby(_AGE, sort=False, dropna=False):
        losses = branches.pivot(index="seed", columns="batch_size", values="branch_loss")
        best, above = critical(losses.where(np.isfinite(losses)), float(options["margin"]))
        found = {"sizes": losses.shape[1], "seeds": len(losses), "branched_batch": best, "branched_batch_above": above}
        rows.append({**dict(zip(_AGE, keys, strict=True)), **found})
    return pd.DataFrame(rows)
