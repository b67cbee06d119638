"""Which batch sizes published rules make of the gradient noise.

Three of them follow from b = tr Σ / ‖G‖², with the mean G and the covariance Σ (divisor N) of all examples' gradients:
the noise scale is b itself; the norm test asks for tr Σ / B ≤ θ² ‖G‖²; and the bound by gradient diversity is
N Σ‖gᵢ‖² / ‖Σgᵢ‖² = (‖G‖² + tr Σ) / ‖G‖². The fourth is the size at which the best rate of one step is half of that of a
large batch: B_noise of η_max / (1 + B_noise / B) through the measured best rates (McCandlish et al. 2018, eq. 2.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.resampling import interval


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each rule at each snapshot, from the estimate by all examples.

    Args:
        tables: `noise_scale`, `one_step_fit`.
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
    sizes = {rule: (whole, size(whole["noise_scale"])) for rule, size in rules.items()}
    sizes["one_step"] = (tables["one_step_fit"], tables["one_step_fit"]["step_noise"])
    return pd.DataFrame([row for rule, (rows, found) in sizes.items() for row in _rows(rule, rows.assign(size=found))])


def _rows(rule: str, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for (study, arm, epoch), found in rows.groupby(["study", "arm", "epoch"], sort=False):
        logs = np.log(found["size"].dropna().to_numpy(float))
        low, high = np.exp(interval(logs))
        middle = float(np.exp(logs.mean())) if len(logs) else np.nan
        place = {"study": study, "arm": arm, "epoch": epoch, "rule": rule, "n": len(logs)}
        yield {**place, "size": middle, "size_low": low, "size_high": high}
