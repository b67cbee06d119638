"""Noise scales and critical batch sizes by all estimators, below each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.errors import BatchlabError

_COLUMNS = ["study", "epoch", "seed", "quantity", "batch_estimate"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return every estimate at the snapshots at which the noise scale was measured.

    Args:
        tables: `noise_scale` and `one_step_fit` of one arm, `branched_batch` of one rule.
        options: None are read.

    Raises:
        BatchlabError: The noise scale was measured at more than one arm, so that snapshots have several values.
    """
    noise, step = tables["noise_scale"], tables["one_step_fit"]
    for name, table in (("noise_scale", noise), ("one_step_fit", step)):
        if table["arm"].nunique() > 1:
            raise BatchlabError(f"{name} was measured at several arms; let its probe name one: arms: {{recipe: …}}")
    branches = tables["branched_batch"]
    if branches.duplicated(["study", "epoch"]).any():
        raise BatchlabError("branches of one age have several trunks or rules; keep one")
    parts = [
        noise.assign(quantity=noise["estimator"], batch_estimate=noise["noise_scale"]),
        step.assign(quantity="one_step", batch_estimate=step["step_noise"]),
        branches.assign(quantity="branches", batch_estimate=branches["branched_batch"], seed=pd.NA),
    ]
    return pd.concat([part[_COLUMNS].astype(object) for part in parts], ignore_index=True).infer_objects()
