"""One measurement: the probe that a job names, on the snapshots that it was given."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.declarations import find
from batchlab.declarations.options import with_defaults
from batchlab.errors import BatchlabError, unknown
from batchlab.training.state import ENDED, Snapshot

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """The training that the snapshots belong to, as it goes on after the last of them.

    Attributes:
        model: The model's settings.
        optimizer: The optimizer's settings without its learning rate.
        learning_rate: The learning rate.
        batch_size: Examples in an update.
        accumulation: Micro-batches in an update.
        precision: `float32` or `float64`.
        seeds: Replicas that are measured.
        positions: Cumulative examples of each snapshot; a replica that has ended before stands earlier, where its own
            position says.
    """

    model: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    learning_rate: float
    batch_size: int
    accumulation: int
    precision: str
    seeds: tuple[int, ...]
    positions: tuple[int, ...]

    def settings(self, batch_size: int | None = None, accumulation: int | None = None) -> dict[str, Any]:
        """Return the settings of a `Trainer` that goes on with the run, at its own batch size unless another is given.

        Args:
            batch_size: Examples in an update.
            accumulation: Micro-batches in an update.
        """
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size if batch_size is None else batch_size,
            "accumulation": self.accumulation if accumulation is None else accumulation,
        }


@dataclass
class Measurement:
    """What a probe leaves behind.

    Attributes:
        tables: Name of each table → its rows, each with the same columns in the same order.
        facts: For the provenance record.
    """

    tables: dict[str, Rows]
    facts: dict[str, Any] = field(default_factory=dict)


def measure(spec: Mapping[str, Any], data: Resident, snapshots: tuple[Snapshot, ...]) -> Measurement:
    """Run the probe that a job names.

    The code is the module `batchlab.probes.<name>.measure`, with a function `measure(run, data, snapshots, options)`.

    Args:
        spec: Settings of the run (see `Run`); `position`, the cumulative examples of the snapshot, or `positions` of
            several; and `probe` with the probe's `name` and options.
        data: The resident data set.
        snapshots: One, a pair, or all snapshots of an arm, in the order of their positions.

    Raises:
        BatchlabError: There is no such probe, or a snapshot is at another position.
    """
    name = spec["probe"]["name"]
    if name not in find.probes():
        raise unknown("probe", "name", name, find.probes())
    positions = tuple(spec["positions"] if "positions" in spec else [spec["position"]])
    for snapshot, wanted in zip(snapshots, positions, strict=True):
        for position in snapshot.positions:
            # A replica that has ended before its cap is measured where it ended.
            if position.examples != wanted and position.status not in ENDED:
                raise BatchlabError(
                    f"{snapshot.source}: is at {position.examples} examples, not at {wanted}; delete it and run again"
                )
    run = Run(
        model=spec["model"],
        optimizer=spec["optimizer"],
        learning_rate=float(spec["learning_rate"]),
        batch_size=int(spec["batch_size"]),
        accumulation=int(spec["accumulation"]),
        precision=spec.get("precision", "float32"),
        seeds=tuple(spec["seeds"]),
        positions=positions,
    )
    given = {key: value for key, value in spec["probe"].items() if key != "name"}
    options = with_defaults(find.probes()[name].options, given)
    result: Measurement = importlib.import_module(f"batchlab.probes.{name}.measure").measure(
        run, data, snapshots, options
    )
    return result
