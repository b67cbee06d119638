"""The held-out loss after one step, averaged over batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

_KEYS = ["study", "arm", "epoch", "probe", "recipe", "label", "seed", "batch_size", "step_size"]


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the mean over the batches of one size; it is missing where the loss of one of them is not finite.

    Args:
        tables: `one_step_draws`.
        options: None are read.
    """
    grouped = tables["one_step_draws"].groupby(_KEYS, sort=False, dropna=False)["held_out_loss"]
    means = grouped.agg(held_out_loss=lambda values: values.mean(skipna=False), draws="size")
    return means.reset_index()
