"""Which learning rates serve a batch size, seed by seed (Masters & Luschi 2018 call it the stable range)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables.derivations.tuned_runs.derive import end_of
from batchlab.tables.selection import require_column

_GROUP = ["study", "seed", "dataset", "model", "optimizer", "batch_size"]
_BEYOND = {(False, False): "", (True, False): "low", (False, True): "high", (True, True): "both"}


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return for each batch size and seed the best rate and the range of rates that are nearly as good.

    Args:
        tables: `history`, with several learning rates for each batch size.
        options: `metric`, `better`, `within` (in the unit of the table) and perhaps `epoch`.

    Returns:
        One row for each batch size and seed with a run that ended with a finite value. A run without one is not good.

    Raises:
        BatchlabError: History has no such metric, or not the epoch.
    """
    history, metric = tables["history"], options["metric"]
    require_column(history, metric, "metric")
    sign = 1 if options["better"] == "higher" else -1
    if (epoch := options.get("epoch")) is not None:
        history = history[np.isclose(history["epoch"], epoch, rtol=1e-8)]
        if history.empty:
            raise BatchlabError(f"epoch: no run was evaluated at epoch {epoch:g}; name one of the history's")
    ends = history.sort_values("epoch", kind="stable").groupby(["study", "arm", "seed"], sort=False).tail(1)
    rows = []
    for key, runs in ends.groupby(_GROUP, sort=False):
        ordered = runs.sort_values("learning_rate", kind="stable")
        rates, values = ordered["learning_rate"].to_numpy(float), sign * ordered[metric].to_numpy(float)
        if not np.isfinite(values).any():
            continue
        best = int(np.nanargmax(values))
        good = values >= values[best] - options["within"] - 1e-12
        low = high = best
        while low > 0 and good[low - 1]:
            low -= 1
        while high < len(rates) - 1 and good[high + 1]:
            high += 1
        rows.append(
            {
                **dict(zip(_GROUP, key, strict=True)),
                "best_rate": rates[best],
                "grid_end": end_of(rates[best], list(rates)),
                "best": sign * values[best],
                "lowest": rates[low],
                "highest": rates[high],
                "octaves": math.log2(rates[high] / rates[low]),
                "beyond": _BEYOND[low == 0, high == len(rates) - 1],
                "rates": len(rates),
            }
        )
    if not rows:
        raise BatchlabError("no run ended with finite values; take lower learning rates")
    return pd.DataFrame(rows)
