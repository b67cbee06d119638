"""The declaration of a task: what is learnt, of which data, and by which metrics it is judged."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from batchlab.declarations.columns import Column
from batchlab.declarations.options import Option, with_defaults, without_defaults

SPLITS = ("train", "validation", "test")
# The task of settings that name none: they are older than the key.
FIRST = "classification"


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
        chance: Which runs end at chance level, for the manual.
        derived: Derived columns of its metrics.
        targets: Which targets it learns: `classes`, `flags`, `numbers` or `tokens`.
        usual: Whether it learns data of these targets where a campaign names no task.
        options: Options of the campaign's key `task`.
        more: Metrics that are there only where the option `metrics` asks for them.
    """

    summary: str
    metrics: tuple[Metric, ...]
    headline: str
    chance: str
    derived: tuple[Column, ...] = ()
    targets: str = "classes"
    usual: bool = False
    options: tuple[Option, ...] = ()
    more: tuple[Metric, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the metrics that are always there, split by split in the order of `SPLITS`."""
        return columns_of(self.metrics)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the metrics' columns in order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Chosen:
    """A task with its options, as a campaign has it.

    Attributes:
        name: Name of the task.
        task: Its declaration.
        options: Options that differ from their defaults.
    """

    name: str
    task: Task
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of each split, those that are asked for last."""
        asked = self.options.get("metrics", ())
        return (*self.task.metrics, *(metric for metric in self.task.more if metric.name in asked))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the metrics, split by split."""
        return columns_of(self.metrics)

    @property
    def settings(self) -> dict[str, Any]:
        """What settings of segments hold of it: name and options; nothing for the first task as it is."""
        return {} if self.name == FIRST and not self.options else {"task": {"name": self.name, **self.options}}


def chosen(tasks: Mapping[str, Task], settings: Mapping[str, Any] | None = None) -> Chosen:
    """Return a task with the options that differ from their defaults.

    Args:
        tasks: All tasks by name.
        settings: `name`, and options; None for the first task.
    """
    name = FIRST if settings is None else settings["name"]
    task = tasks[name]
    given = {} if settings is None else {key: value for key, value in settings.items() if key != "name"}
    return Chosen(name, task, without_defaults(task.options, with_defaults(task.options, given)))


def columns_of(metrics: Iterable[Metric]) -> tuple[Column, ...]:
    """Return the columns of metrics, split by split in the order of `SPLITS`."""
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
        for split, metric in itertools.product(SPLITS, metrics)
    )
