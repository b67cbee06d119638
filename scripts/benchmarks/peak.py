"""The machine's rate of matrix products, and the share of it that training a dense model reaches."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

from batchlab.backend.runtime import tf
from benchmarks import OURS


def peak(repeats: int = 5, size: int = 2048) -> float:
    """Return the rate of float32 matrix products in operations per second: the best of `repeats`, with and without XLA.

    Args:
        repeats: Products timed each way, after one that is not counted.
        size: Rows and columns of the factors.
    """
    factor = tf.random.stateless_normal((size, size), (0, 0))
    best = math.inf
    for jit in (False, True):
        product = tf.function(lambda matrix: tf.matmul(matrix, matrix), jit_compile=jit)
        product(factor)
        for _ in range(repeats):
            clock = time.perf_counter()
            product(factor).numpy()
            best = min(best, time.perf_counter() - clock)
    return 2 * size**3 / best


def dense_operations(inputs: int, hidden: Sequence[int], classes: int) -> int:
    """Return the operations of one example's update in a multilayer perceptron, matrix products only.

    Two for each weight forward, two for its gradient, and two for the gradient of its input, which the first layer
    does not need.
    """
    widths = [inputs, *hidden, classes]
    weights = [first * second for first, second in itertools.pairwise(widths)]
    return 6 * sum(weights) - 2 * weights[0]


def shares(ratios: Sequence[dict[str, Any]], operations: dict[str, int], examples: int, rate: float) -> list[float]:
    """Return for each row of `epochs.ratios` the share of the machine's rate that our epoch reaches.

    Args:
        ratios: The rows.
        operations: Model → `dense_operations`; other models have no share (NaN).
        examples: Examples in the epoch that the seconds stand for.
        rate: `peak`.
    """
    return [operations.get(row["model"], math.nan) * examples / row[f"{OURS}_seconds"] / rate for row in ratios]
