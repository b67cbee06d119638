"""Which batch sizes published rules make of the gradient noise.

All three follow from b = tr Σ / ‖G‖², with the mean G and the covariance Σ (divisor N) of all examples' gradients: the
noise scale is b itself; the norm test asks for tr Σ / B ≤ θ² ‖G‖²; and the bound by gradient diversity is
N Σ‖gᵢ‖² / ‖Σgᵢ‖² = (‖G‖² + tr Σ) / ‖G‖².
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.resampling import interval


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each rule at each snapshot, from the estimate by all examples.

    Args:
        tables: `noise_scale`.
        options: `theta`.

    Raises:
        BatchlabError: The estimate by all examples is missing.
    """
    noise = tables["noise_scale"]
    whole = noise[noise["estimator"] == "all_examples"]
    if whole.empty:
        raise BatchlabError("noise_scale has no estimate by all examples; measure it again")
    rules: dict[str, Callable[[Any], Any]] = {
        "noise_scale": lambda scale: scale,
        "norm_test": lambda scale: scale / options["theta"] ** 2,
        "diversity": lambda scale: 1 + scale,
    }
    rows = []
    for (study, arm, epoch), found in whole.groupby(["study", "arm", "epoch"], sort=False):
        scales = found["noise_scale"].dropna().to_numpy(float)
        for rule, size in rules.items():
            logs = np.log(size(scales))
            low, high = np.exp(interval(logs))
            middle = float(np.exp(logs.mean())) if len(logs) else np.nan
            place = {"study": study, "arm": arm, "epoch": epoch, "rule": rule, "n": len(logs)}
            rows.append({**place, "size": middle, "size_low": low, "size_high": high})
    return pd.DataFrame(rows)
