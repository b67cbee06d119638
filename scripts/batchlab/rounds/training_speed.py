"""What training a setting takes on the measured machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Seconds until a job trains: its start and compilation.
START = 8.0


@dataclass(frozen=True)
class Setting:
    """What is trained.

    Attributes:
        batch_size: Examples of an update, B.
        accumulation: Its micro-batches, K.
        learning_rate: The rate.
        seeds: How many of the first seeds.
    """

    batch_size: int
    accumulation: int
    learning_rate: float
    seeds: int

    def same(self, other: Setting) -> bool:
        """Return whether another one differs in nothing but seeds; rates within 1 % are one."""
        return self.batch_size == other.batch_size and abs(self.learning_rate / other.learning_rate - 1) < 0.01


@dataclass(frozen=True)
class Speed:
    """Seconds of training on the measured machine.

    Attributes:
        machine: Columns of the tables `machine` and `workload`, as numbers.
        examples: Size of the training set.
        epochs: Epochs of a run.
    """

    machine: Mapping[str, float]
    examples: int
    epochs: int

    @property
    def cores(self) -> float:
        """Jobs that train side by side."""
        return max(1.0, self.machine["cores"])

    def pieces(self, batch_size: int) -> int:
        """Return the fewest equal micro-batches of a batch that fit into memory."""
        largest = int(self.machine["largest_micro_batch"])
        return next(k for k in range(1, batch_size + 1) if batch_size % k == 0 and batch_size // k <= largest)

    def setting(self, batch_size: int, learning_rate: float, seeds: int) -> Setting:
        """Return a setting in the fewest pieces, its rate with six digits."""
        return Setting(batch_size, self.pieces(batch_size), float(f"{learning_rate:.6g}"), seeds)

    def seconds(self, setting: Setting, trained: int = 0, beside: Iterable[int] = ()) -> float:
        """Return what training a setting takes of the machine's time, all cores at work.

        Args:
            setting: The setting.
            trained: How many of its seeds are trained already.
            beside: Batch sizes that are trained anyway: rates of one size share a process, and its start.
        """
        line, passes = self.machine, setting.accumulation
        micro = setting.batch_size / passes
        update = line["per_update"] + passes * (line["per_micro_batch"] + line["per_example"] * micro)
        epoch = math.ceil(self.examples / setting.batch_size) * update + line["evaluation"]
        start = 0.0 if setting.batch_size in beside else START
        return (start + (setting.seeds - trained) * self.epochs * epoch) / self.cores


NEEDED = (
    *("largest_micro_batch", "per_update", "per_micro_batch", "per_example"),
    *("evaluation", "cores", "training_examples"),
)


def numbers_of(rows: Mapping[str, Any]) -> dict[str, float]:
    """Return those cells of rows of `machine` and `workload` that are numbers."""
    found = {}
    for name in NEEDED:
        try:
            found[name] = float(rows[name])
        except (KeyError, TypeError, ValueError):
            continue
    return found
