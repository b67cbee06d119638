"""How far accumulated updates drift from those of the whole batch (E23).

From one snapshot, replicas with accumulation K and a reference with K = 1 make the same updates side by side. In exact
arithmetic they stay equal. What is measured is rounding and what the model makes of it: a ReLU unit whose
pre-activation crosses zero turns a rounding error into a jump.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement
from batchlab.training import core, state
from batchlab.training.row_files import Table
from batchlab.training.segment import trainable_keys
from batchlab.training.trainer import single_updates

_COLUMNS = ("seed", "accumulation", "updates", "examples", "max_difference", "relative_difference")


def differences(weights: state.Arrays, reference: state.Arrays, keys: list[str]) -> tuple[float, float]:
    """Return max|w − r| and ‖w − r‖ / ‖r‖ over the given variables, computed in double precision."""
    largest, squared, norm = 0.0, 0.0, 0.0
    for key in keys:
        exact = reference[key].astype(np.float64)
        difference = weights[key] - exact
        largest = max(largest, float(np.abs(difference).max()))
        squared += float(np.sum(difference**2))
        norm += float(np.sum(exact**2))
    return largest, float(np.sqrt(squared / norm))


def measure(spec: dict[str, Any], data: Resident, snapshot: state.Snapshot) -> Measurement:
    """Train `updates` updates with each of `accumulations` beside K = 1 and compare the weights after each.

    K = 1 is the reference itself, whose row says zero.

    Args:
        spec: `probe` holds `updates` and `accumulations` (divisors of the batch size).
        data: The resident data set.
        snapshot: Where all of them start; updates and examples are counted from there.
    """
    own = spec["probe"]
    accumulations = list(own.get("accumulations", [1, 4, 16]))
    reference = core.Trainer({**spec, "accumulation": 1}, data)
    trainers = [
        reference if accumulation == 1 else core.Trainer({**spec, "accumulation": accumulation}, data)
        for accumulation in accumulations
    ]
    distinct = list(dict.fromkeys([reference, *trainers]))
    keys = trainable_keys(reference.model)
    rows: list[dict[str, Any]] = []
    for seed in spec["seeds"]:
        for trainer in distinct:
            [position] = trainer.load(snapshot, [seed])
        start, epoch, orders = position.examples, -1, None
        way = single_updates(start, int(own["updates"]), reference.batch_size, data.examples)
        for updates, piece in enumerate(way, start=1):
            if piece.epoch != epoch:
                epoch, orders = piece.epoch, reference.orders([seed], piece.epoch)
            for trainer in distinct:
                trainer.run(orders, piece.start, piece.stop)
            [exact] = reference.capture()
            for trainer in trainers:
                largest, relative = differences(trainer.capture()[0], exact, keys)
                rows.append(
                    {
                        "seed": seed,
                        "accumulation": trainer.accumulation,
                        "updates": updates,
                        "examples": piece.end - start,
                        "max_difference": largest,
                        "relative_difference": relative,
                    }
                )
    return Measurement({"weight_drift": Table(_COLUMNS, rows)}, reference.facts)
