"""The declaration of a task: what is learnt, and by which metrics it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from batchlab.declarations.columns import Column

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Metric:
    """A metric of a model on one split of the data.

    Attributes:
        name: Its name; columns are called `<split>_<name>`.
        meaning: A phrase for the manual.
        title: Words for an axis.
        better: Which direction is better.
        unit: Unit after `factor`, empty for a pure number.
        factor: What values are multiplied with where they are shown.
        bounds: Smallest and largest possible value.
        positive: Whether values are compared as ratios, on a logarithmic scale.
    """

    name: str
    meaning: str
    title: str
    better: Literal["higher", "lower"]
    unit: str = ""
    factor: float = 1.0
    bounds: tuple[float, float] | None = None
    positive: bool = False


@dataclass(frozen=True)
class Task:
    """A task; its name is that of its folder below `tasks/`.

    Attributes:
        summary: What is learnt, for the manual.
        metrics: Metrics of each split, the loss first.
        headline: The metric on the test set by which runs are compared.
        derived: Derived columns of its metrics.
    """

    summary: str
    metrics: tuple[Metric, ...]
    headline: str
    derived: tuple[Column, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the metrics, split by split in the order of `SPLITS`."""
        return tuple(
            Column(
                f"{split}_{metric.name}",
                f"{metric.meaning}, {split} set",
                title=f"{split} {metric.title}",
                unit=metric.unit,
                factor=metric.factor,
                bounds=metric.bounds,
                positive=metric.positive,
                quantity=metric.name,
                series=split,
                better=metric.better,
            )
            for split in SPLITS
            for metric in self.metrics
        )

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the metrics' columns in order."""
        return tuple(column.name for column in self.columns)
