"""Metrics of the three splits, from the values that a task gives each example."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import SPLITS
from batchlab.backend.task_interface import Objective

# Examples that pass through the model together; moderate, because convolutions keep large maps of each.
CHUNK = 1024


def chunks(examples: int, chunk: int = CHUNK) -> NDArray[np.int32]:
    """Return the numbers 0 … examples − 1 in rows of one length; the last row is filled up with example 0."""
    chunk = min(chunk, examples)
    padded = np.zeros(-(-examples // chunk) * chunk, dtype=np.int32)
    padded[:examples] = np.arange(examples)
    return padded.reshape(-1, chunk)


def metric_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a task's metrics on each split, `<split>_<metric>`."""
    return tuple(f"{split}_{name}" for split in SPLITS for name in names)


def metrics(
    task: Objective,
    values: Sequence[NDArray[Any]],
    counts: Sequence[int],
    targets: NDArray[Any],
    given: NDArray[Any] | None,
) -> dict[str, float]:
    """Return every metric of `metric_names`, in double precision whatever the model's; NaN of a split without examples.

    Args:
        task: What is learnt.
        values: What its `scores` returned, training examples first; those beyond the counts are surplus.
        counts: Number of examples of each split.
        targets: Of all examples.
        given: Weights of the data set, or None.
    """
    exact = [part.astype(np.float64) for part in values]
    found: dict[str, float] = {}
    start = 0
    for split, count in zip(SPLITS, counts, strict=True):
        part = slice(start, start + count)
        summary: Sequence[float] = [math.nan] * len(task.metrics)
        if count:
            weights = None if given is None else given[part]
            summary = task.summary([value[part] for value in exact], targets[part], weights)
        found |= {f"{split}_{name}": value for name, value in zip(task.metrics, summary, strict=True)}
        start += count
    return found
