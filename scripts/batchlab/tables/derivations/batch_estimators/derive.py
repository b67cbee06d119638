"""Noise scales and critical batch sizes by all estimators, below each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError

_COLUMNS = ["study", "epoch", "seed", "quantity", "batch_estimate"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return every estimate at the snapshots at which the noise scale was measured.

    Args:
        tables: `noise_scale` and `one_step_fit` of one arm, `branched_batch` and `branch_limits` of one rule,
            `hyperbola` of one workload.
        options: None are read.

    Returns:
        Of `hyperbola` one value for each seed, at the epoch (geometric mean over seeds, two digits) at which the batch
        size of the measured arm, or else the smallest one, reaches the target.

    Raises:
        BatchlabError: The noise scale was measured at more than one arm, so that snapshots have several values.
    """
    noise, step = tables["noise_scale"], tables["one_step_fit"]
    for name, table in (("noise_scale", noise), ("one_step_fit", step)):
        if table["arm"].nunique() > 1:
            raise BatchlabError(f"{name} was measured at several arms; let its probe name one: arms: {{recipe: …}}")
    branches, limits = tables["branched_batch"], tables["branch_limits"]
    if branches.duplicated(["study", "epoch"]).any():
        raise BatchlabError("branches of one age have several trunks or rules; keep one")
    parts = [
        noise.assign(quantity=noise["estimator"], batch_estimate=noise["noise_scale"]),
        step.assign(quantity="one_step", batch_estimate=step["step_noise"]),
        branches.assign(quantity="branches", batch_estimate=branches["branched_batch"], seed=None),
        limits.assign(quantity="branch_limits", batch_estimate=limits["branch_limit"]),
        _at_the_target(tables["hyperbola"], noise),
    ]
    return pd.concat([part[_COLUMNS].astype(object) for part in parts], ignore_index=True).infer_objects()


def _at_the_target(hyperbola: pd.DataFrame, noise: pd.DataFrame) -> pd.DataFrame:
    """Return the critical batch size of each seed at the epoch at which the measured arm's batch size is there."""
    own = hyperbola[hyperbola["batch_size"] == noise["batch_size"].iloc[0]]
    if own.empty:
        own = hyperbola[hyperbola["batch_size"] == hyperbola["batch_size"].min()]
    if own.duplicated(["study", "seed"]).any():
        raise BatchlabError("hyperbola holds several workloads; keep one")
    epoch = float(f"{np.exp(np.log(own['epoch']).mean()):.2g}")
    return own.assign(quantity="hyperbola", batch_estimate=own["critical_batch"], epoch=epoch)
