"""The first updates after a snapshot, one by one, for several batch sizes (E6, E30).

All batch sizes start from the same weights and optimizer state, use the run's optimizer and learning rate, and take the
examples in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.backend.distances import distance
from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.pieces import single_updates
from batchlab.training.trainer import Trainer


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Train `updates` updates at each of `batch_sizes`; record each batch's loss and the distance from the snapshot.

    Args:
        run: The run that goes on. An update's gradient is not accumulated.
        data: The resident data set.
        snapshots: The one where all of them start; updates and examples are counted from there.
        options: `updates`, `batch_sizes`.
    """
    [snapshot] = snapshots
    rows: Rows = []
    facts: dict[str, Any] = {}
    for batch_size in options["batch_sizes"]:
        trainer = Trainer(run.settings(batch_size=batch_size, accumulation=1), data)
        keys = state.trainable_keys(trainer.model)
        for seed in run.seeds:
            [position] = trainer.load(snapshot, [seed])
            [weights] = trainer.replicas.capture()
            start, epoch, orders = position.examples, -1, None
            following = single_updates(start, int(options["updates"]), batch_size, data.examples)
            for updates, piece in enumerate(following, start=1):
                if piece.epoch != epoch:
                    epoch, orders = piece.epoch, trainer.orders([seed], piece.epoch)
                [loss], _ = trainer.run(orders, piece.start, piece.stop)
                rows.append(
                    {
                        "seed": seed,
                        "batch_size": batch_size,
                        "updates": updates,
                        "examples": piece.end - start,
                        "loss": loss / (piece.stop - piece.start),
                        "from_start": distance(trainer.replicas.capture()[0], weights, keys),
                    }
                )
        facts = trainer.facts
    return Measurement({"trajectory": rows}, facts)
