"""Batch sizes, epochs and a model that fit a data set, chosen from its shape alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from batchlab.errors import BatchlabError

# Fewer training examples than these leave no room for batch sizes that differ.
FEWEST = 24
# Updates of a run at B = small that suffice for a small network.
_UPDATES = 1500
_EPOCHS = (10, 60)


@dataclass(frozen=True)
class Fit:
    """What fits: batch sizes by the names of the catalogue, epochs, a model with its options, an optimizer, its rates.

    Rates of the grid: a factor of about three from one to the next.
    """

    batch_sizes: dict[str, int]
    epochs: int
    model: dict[str, Any]
    optimizer: str = "sgd"
    rates: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def _power(value: float) -> int:
    """Return the largest power of two that is not above a value."""
    return 1 << int(math.log2(max(1, value)))


def fitting(examples: int, shape: tuple[int, ...], targets: str = "classes") -> Fit:
    """Return what fits a data set.

    Sizes go up by factors of 4, or by 2 where there is no room: the largest leaves at least one update in an epoch.

    Args:
        examples: Training examples.
        shape: Shape of one example.
        targets: What is learnt of it.

    Raises:
        BatchlabError: There are too few examples.
    """
    if examples < FEWEST:
        raise BatchlabError(
            f"the data leave {examples} examples to train on; batch sizes can be compared from {FEWEST} on: "
            "add examples, or lower the keys validation and test"
        )
    small = max(2, min(32, _power(examples / 8)))
    factor = 4 if small * 4**3 <= examples else 2
    sizes = {
        "single": 1,
        "tiny": max(1, small // factor),
        "small": small,
        "medium": small * factor,
        "large": small * factor**2,
        "huge": small * factor**3,
        "half": examples // 2,
        "full": examples,
    }
    sizes["huge"] = min(sizes["huge"], examples)
    epochs = math.ceil(_UPDATES / math.ceil(examples / small))
    image = len(shape) == 3 and min(shape[:2]) >= 16
    epochs = max(_EPOCHS[0], min(_EPOCHS[1], epochs))
    if targets == "tokens":
        return Fit(sizes, epochs, {"name": "transformer"}, "adam", (0.0003, 0.001, 0.003, 0.01))
    return Fit(sizes, epochs, {"name": "lenet"} if image else {"name": "mlp", "hidden": [64, 64]})
