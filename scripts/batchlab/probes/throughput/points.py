"""Which micro-batches and accumulations the probe tries, and in which order. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Micro-batch, and micro-batches in an update.
Point = tuple[int, int]


def points(examples: int, options: Mapping[str, Any]) -> list[Point]:
    """Return what is tried, smaller micro-batches first.

    The fewest micro-batches in an update are tried at each size up to the training set, more at every second size.

    Args:
        examples: Size of the training set.
        options: `factor` from one size to the next, `accumulations`, and `largest`, the largest batch.
    """
    most = min(examples, int(options["largest"]))
    sizes = [1]
    while sizes[-1] < most:
        sizes.append(min(most, max(sizes[-1] + 1, round(sizes[-1] * options["factor"]))))
    least = min(options["accumulations"])
    return [
        (micro, accumulation)
        for place, micro in enumerate(sizes)
        for accumulation in sorted(options["accumulations"])
        if micro * accumulation <= most and (accumulation == least or place % 2)
    ]
