"""Where larger batches stop saving updates: S = S_min (1 + B_crit / B) through the updates at each size's best rate.

That is eq. 2.11 of McCandlish et al. 2018, which their noise scale is meant to predict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from batchlab.tables.chosen_rates import chosen_rates, common_seeds
from batchlab.tables.derivations.steps_to_target.derive import derive as steps_to_target
from batchlab.tables.resampling import LEVEL, draws
from batchlab.tables.saturation import fit


def derive(tables: Mapping[str, pd.DataFrame], options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the knee, and its interval by resampling the seeds that all sizes have.

    Args:
        tables: `history`, `cells`.
        options: `share` of the way to the target of `cells`.
    """
    history, first = tables["history"], tables["cells"].iloc[0]
    start = float(history.loc[history["updates"] == 0, first["metric"]].median())
    goal = start + options["share"] * (float(first["target"]) - start)
    wanted = {"metric": first["metric"], "target": goal, "better": first["better"], "interpolate": True}
    return knee(steps_to_target({"history": history}, wanted)).assign(goal=goal)


def knee(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the knee of updates.

    Args:
        cells: Runs with `study`, `arm`, `batch_size`, `learning_rate`, `seed`, `reached` and `updates`.
    """
    # A run that begins beyond the target tells nothing.
    losses = np.log(cells["updates"].where(cells["reached"].eq(1) & cells["updates"].gt(0)))
    told = {size: each.told for size, each in chosen_rates(cells, losses).items() if np.isfinite(each.told).all()}
    seeds = common_seeds(told.values()) if told else []
    # Updates of each size and seed, as logarithms.
    updates = np.array([each[seeds].to_numpy() for each in told.values()]).reshape(len(told), len(seeds))
    whole = fit(list(told), np.exp(updates.mean(axis=1))) if seeds else fit([], [])
    low, high = math.nan, math.nan
    if math.isfinite(whole.critical) and len(seeds) > 1:
        means = np.exp(updates[:, draws(len(seeds))].mean(axis=2))
        knees = np.array([fit(list(told), each).critical for each in np.unique(means, axis=1).T])
        counts = np.unique(means, axis=1, return_counts=True)[1]
        if np.isfinite(knees).all():
            tail = (1 - LEVEL) / 2
            low, high = np.quantile(np.repeat(knees, counts), [tail, 1 - tail])
    return pd.DataFrame(
        [
            {
                "study": cells["study"].iloc[0],
                "sizes": len(told),
                "n": len(seeds),
                "fewest_updates": whole.limit,
                "knee": whole.critical,
                "knee_low": low,
                "knee_high": high,
            }
        ]
    )
