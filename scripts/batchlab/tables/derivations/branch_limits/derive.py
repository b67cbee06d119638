"""Where the losses of branches begin to rise, by a fixed tolerance (Merrill et al. 2025, arXiv:2505.23971)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_RUN = ["study", "trunk", "epoch", "learning_rate_rule", "seed"]


def limit(batch_sizes: ArrayLike, ratios: ArrayLike, tolerance: float) -> float:
    """Return the batch size at which losses cross 1 + tolerance; NaN where they do not.

    Args:
        batch_sizes: Rising.
        ratios: Loss over that of the first batch size; NaN for a run that diverged, which counts as lost at once.
        tolerance: Share of the loss that is allowed.
    """
    sizes, logs = np.asarray(batch_sizes, dtype=float), np.log(np.asarray(ratios, dtype=float))
    allowed = math.log1p(tolerance)
    lost = np.isnan(logs) | (logs > allowed)
    if not lost.any():
        return math.nan
    place = int(lost.argmax())
    if place == 0:  # the smallest batch itself diverged
        return math.nan
    below, above = logs[place - 1], logs[place]
    share = 0.0 if math.isnan(above) else (allowed - below) / (above - below)
    return float(sizes[place - 1] * (sizes[place] / sizes[place - 1]) ** share)


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the limit of each seed at each age of each trunk.

    Args:
        tables: `branch_losses`.
        options: `tolerance`.
    """
    rows = []
    for keys, branches in tables["branch_losses"].groupby(_RUN, sort=False, dropna=False):
        ordered = branches.sort_values("batch_size", kind="stable")
        found = limit(ordered["batch_size"], ordered["loss_over_smallest"], float(options["tolerance"]))
        tried = ordered["batch_size"].iloc[-1]
        rows.append({**dict(zip(_RUN, keys, strict=True)), "branch_limit": found, "tried": tried})
    return pd.DataFrame(rows)
