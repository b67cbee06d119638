"""Examples against updates to a target, seed by seed.

McCandlish et al. 2018, eq. 2.11: (S/S_min − 1)(E/E_min − 1) = 1. With E = B S it is S = S_min (1 + B_crit / B), one
curve over the batch size that is fitted to logarithms. Seeds are the replicates: an interval of B_crit is one over the
fits of single seeds, on the logarithmic scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.tables.saturation import fit

_RUN = ["study", "seed", "dataset", "model", "optimizer"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Fit the updates of each seed.

    Args:
        tables: `tuned_runs`: updates to a target at the rate tuned for each batch size, and whether it was `reached`.
        options: None are read.

    Returns:
        One row for each seed and batch size.
    """
    parts = []
    for _, runs in tables["tuned_runs"].groupby(_RUN, sort=False, dropna=False):
        ordered = runs.sort_values("batch_size", kind="stable")
        there = ordered[ordered["reached"] == 1]
        curve = fit(there["batch_size"], there["updates"])
        fitted = curve.at(ordered["batch_size"])
        parts.append(
            ordered.assign(
                fitted_updates=fitted,
                updates_over_fit=(ordered["updates"] / fitted).where(ordered["reached"] == 1),
                minimal_updates=curve.limit,
                minimal_examples=curve.limit * curve.critical,
                critical_batch=curve.critical,
                fit_ends="both" if (there["grid_end"].fillna("") != "").any() else "",
            )
        )
    return pd.concat(parts, ignore_index=True)
