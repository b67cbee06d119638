"""Time and memory of an update at any micro-batch, from what was measured on a machine and the lines through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

Point = tuple[int, int]


@dataclass(frozen=True)
class Machine:
    """What is known of a machine.

    Attributes:
        lines: A row of the table `machine`.
        seconds: (micro-batch, accumulation) → measured seconds of an update.
        megabytes: Micro-batch → measured peak memory.
    """

    lines: Mapping[str, Any]
    seconds: Mapping[Point, float]
    megabytes: Mapping[int, float]

    @property
    def largest(self) -> int:
        """The largest micro-batch that fits."""
        return int(self.lines["largest_micro_batch"])

    def seconds_of(self, micro: int, accumulation: int) -> float:
        """Return the seconds of an update."""
        known = self.seconds.get((micro, accumulation))
        line = self.lines
        return (
            line["per_update"] + accumulation * (line["per_micro_batch"] + line["per_example"] * micro)
            if known is None
            else known
        )

    def megabytes_of(self, micro: int) -> float:
        """Return the peak memory of training with a micro-batch."""
        known = self.megabytes.get(micro)
        return self.lines["memory_base"] + self.lines["memory_per_example"] * micro if known is None else known

    def splits(self, batch_size: int) -> Iterator[Point]:
        """Yield the micro-batch and accumulation of each way to make a batch of micro-batches that fit, whole first."""
        for accumulation in range(1, batch_size + 1):
            if batch_size % accumulation == 0 and batch_size // accumulation <= self.largest:
                yield batch_size // accumulation, accumulation

    def fastest(self, batch_size: int) -> Point:
        """Return the split with the fastest update: the one with the fewest micro-batches, unless another was measured
        and gains more than the lines are off.
        """
        whole, *others = self.splits(batch_size)
        limit = self.seconds_of(*whole) / (1 + self.lines["time_error"])
        return min(
            (split for split in others if self.seconds.get(split, limit) < limit),
            key=self.seconds.__getitem__,
            default=whole,
        )


def machine_of(tables: Mapping[str, pd.DataFrame]) -> Machine:
    """Return what is known of the machine from the tables `machine` and `throughput`, of their first arm."""
    row = tables["machine"].iloc[0]
    rows = tables["throughput"]
    rows = rows[(rows["arm"] == row["arm"]) & (rows["outcome"] == "measured")]
    points = list(zip(rows["micro_batch"].astype(int), rows["accumulation"].astype(int), strict=True))
    megabytes: dict[int, float] = {}
    for (micro, _), memory in zip(points, rows["memory"], strict=True):
        megabytes[micro] = max(float(memory), megabytes.get(micro, 0.0))
    lines = {str(name): value for name, value in row.items()}
    return Machine(lines, dict(zip(points, map(float, rows["seconds_per_update"]), strict=True)), megabytes)
