"""Loss and accuracy of the three splits, from the loss and the verdict of every example."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import SPLITS

# Examples that pass through the model together; moderate, because convolutions keep large maps of each.
CHUNK = 1024

METRICS = tuple(f"{split}_{metric}" for split in SPLITS for metric in ("loss", "accuracy"))


def chunks(examples: int, chunk: int = CHUNK) -> NDArray[np.int32]:
    """Return the numbers 0 … examples − 1 in rows of one length; the last row is filled up with example 0."""
    chunk = min(chunk, examples)
    padded = np.zeros(-(-examples // chunk) * chunk, dtype=np.int32)
    padded[:examples] = np.arange(examples)
    return padded.reshape(-1, chunk)


def metrics(losses: NDArray[Any], correct: NDArray[Any], counts: tuple[int, ...]) -> dict[str, float]:
    """Return every metric of `METRICS`; losses are summed in double precision whatever the model's precision.

    Args:
        losses: Loss of each example, training ones first; what is beyond the counts is surplus.
        correct: Whether each example is classified correctly.
        counts: Number of examples of each split.
    """
    losses = losses.astype(np.float64)
    found: dict[str, float] = {}
    start = 0
    for split, count in zip(SPLITS, counts, strict=True):
        stop = start + count
        found[f"{split}_loss"] = float(losses[start:stop].sum() / count) if count else float("nan")
        found[f"{split}_accuracy"] = float(correct[start:stop].sum() / count) if count else float("nan")
        start = stop
    return found
