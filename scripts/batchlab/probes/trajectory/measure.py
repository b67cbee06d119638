"""The first updates after a snapshot, one by one, for several batch sizes (E6, E30).

All batch sizes start from the same weights and optimizer state, use the run's optimizer and learning rate, and take the
examples in the same order.
"""

from __future__ import annotations

from typing import Any

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement
from batchlab.training import core, state
from batchlab.training.row_files import Table
from batchlab.training.segment import distance, trainable_keys
from batchlab.training.trainer import single_updates

_COLUMNS = ("seed", "batch_size", "updates", "examples", "loss", "from_start")


def measure(spec: dict[str, Any], data: Resident, snapshot: state.Snapshot) -> Measurement:
    """Train `updates` updates at each of `batch_sizes`; record each batch's loss and the distance from the snapshot.

    Args:
        spec: `probe` holds `updates` and `batch_sizes`. An update's gradient is not accumulated.
        data: The resident data set.
        snapshot: Where all of them start; updates and examples are counted from there.
    """
    own = spec["probe"]
    rows: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    for batch_size in own["batch_sizes"]:
        trainer = core.Trainer({**spec, "batch_size": batch_size, "accumulation": 1}, data)
        keys = trainable_keys(trainer.model)
        for seed in spec["seeds"]:
            [position] = trainer.load(snapshot, [seed])
            [weights] = trainer.capture()
            start, epoch, orders = position.examples, -1, None
            way = single_updates(start, int(own["updates"]), trainer.batch_size, data.examples)
            for updates, piece in enumerate(way, start=1):
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
                        "from_start": distance(trainer.capture()[0], weights, keys),
                    }
                )
        facts = trainer.facts
    return Measurement({"trajectory": Table(_COLUMNS, rows)}, facts)
