"""Examples against updates to a target, over all seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.tables.saturation import fit

_WORKLOAD = ["study", "dataset", "model", "optimizer"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return geometric means and the curve that is fitted to them.

    Args:
        tables: `hyperbola`.
        options: None are read.
    """
    parts = []
    for keys, runs in tables["hyperbola"].groupby(_WORKLOAD, sort=False, dropna=False):
        logs = runs.assign(updates=np.log(runs["updates"]), examples=np.log(runs["examples"]))
        by_size = logs.groupby("batch_size", sort=True)
        means = by_size[["updates", "examples"]].mean().apply(np.exp).assign(seeds=by_size.size())
        means = means[by_size["reached"].min() == 1].reset_index()
        curve = fit(means["batch_size"], means["updates"])
        beyond = 1 - curve.limit / means["updates"]
        fitted = (curve.limit * curve.critical / beyond).where(beyond > 0)
        workload: dict[str, Any] = dict(zip(_WORKLOAD, keys, strict=True))
        parts.append(means.assign(fitted_examples=fitted, **workload))
    return pd.concat(parts, ignore_index=True)
