"""How far accumulated updates drift from those of the whole batch (E23).

From one snapshot, replicas with accumulation K and a reference with K = 1 make the same updates side by side. In exact
arithmetic they stay equal. What is measured is rounding and how the model amplifies it: a ReLU unit whose
pre-activation crosses zero turns a rounding error into a jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.pieces import single_updates
from batchlab.training.trainer import Trainer


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


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Train `updates` updates with each of `accumulations` beside K = 1 and compare the weights after each.

    K = 1 is the reference itself, whose row says zero.

    Args:
        run: The run that goes on, at its batch size.
        data: The resident data set.
        snapshots: The one where all of them start; updates and examples are counted from there.
        options: `updates`, and `accumulations` (divisors of the batch size).
    """
    [snapshot] = snapshots
    reference = Trainer(run.settings(accumulation=1), data)
    trainers = [
        reference if accumulation == 1 else Trainer(run.settings(accumulation=accumulation), data)
        for accumulation in options["accumulations"]
    ]
    distinct = list(dict.fromkeys([reference, *trainers]))
    keys = state.trainable_keys(reference.model)
    rows: Rows = []
    for seed in run.seeds:
        for trainer in distinct:
            [position] = trainer.load(snapshot, [seed])
        start, epoch, orders = position.examples, -1, None
        following = single_updates(start, int(options["updates"]), reference.batch_size, data.examples)
        for updates, piece in enumerate(following, start=1):
            if piece.epoch != epoch:
                epoch, orders = piece.epoch, reference.orders([seed], piece.epoch)
            for trainer in distinct:
                trainer.run(orders, piece.start, piece.stop)
            [exact] = reference.replicas.capture()
            for trainer in trainers:
                largest, relative = differences(trainer.replicas.capture()[0], exact, keys)
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
    return Measurement({"weight_drift": rows}, reference.facts)
