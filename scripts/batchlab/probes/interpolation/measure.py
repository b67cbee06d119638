"""Metrics along the straight line through the weights of two arms (E7, Keskar et al. 2017).

At every point the statistics of batch normalisation are taken anew over the training set: averages of two models'
statistics are those of no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.frozen_model import FrozenModel


def between(first: state.Arrays, second: state.Arrays, alpha: float, keys: list[str]) -> state.Arrays:
    """Return (1 − α) first + α second for the given variables, in their precision; the others are those of second."""
    return {
        key: ((1 - alpha) * first[key].astype(np.float64) + alpha * value).astype(value.dtype) if key in keys else value
        for key, value in second.items()
    }


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Evaluate each seed at every point.

    Args:
        run: The run of the second snapshot.
        data: The resident data set.
        snapshots: That at α = 0 and that at α = 1.
        options: `points`, `between`.
    """
    model, (low, high) = FrozenModel(run.model, data), options["between"]
    rows: Rows = []
    for seed in run.seeds:
        ends = []
        for snapshot in snapshots:
            model.load(snapshot, seed)
            ends.append(state.capture(model.variables))
        for alpha in np.linspace(low, high, int(options["points"])):
            model.take(between(ends[0], ends[1], float(alpha), model.trainable))
            [metrics] = model.evaluation.re_estimated()
            rows.append({"seed": seed, "alpha": float(f"{alpha:.9g}"), **metrics})
    return Measurement({"interpolation": rows}, model.facts)
