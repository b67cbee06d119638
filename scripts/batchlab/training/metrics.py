"""Metrics of the three splits, from the values that a task gives each example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import SPLITS

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


def metrics(names: Sequence[str], values: Sequence[NDArray[Any]], counts: Sequence[int]) -> dict[str, float]:
    """Return every metric of `metric_names`: means in double precision whatever the model's precision.

    Args:
        names: A task's metrics.
        values: For each of them the values of the examples, training ones first; those beyond the counts are surplus.
        counts: Number of examples of each split.
    """
    exact = [part.astype(np.float64) for part in values]
    found: dict[str, float] = {}
    start = 0
    for split, count in zip(SPLITS, counts, strict=True):
        stop = start + count
        for name, part in zip(names, exact, strict=True):
            found[f"{split}_{name}"] = float(part[start:stop].sum() / count) if count else float("nan")
        start = stop
    return found
