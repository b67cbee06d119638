"""The order of the training examples: one permutation per (seed, epoch), whatever the batch size.

Two arms that differ in batch size or accumulation see the same examples in the same order, so their results differ
by the setting alone. Philox (Salmon et al. 2011) is counter-based: every (seed, epoch) is a stream of its own, drawn
directly, without drawing those before it.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def permutation(seed: int, epoch: int, examples: int) -> NDArray[np.int32]:
    """Return the order in which the training examples are seen in one epoch.

    Args:
        seed: The replica's seed, a non-negative integer.
        epoch: The epoch, counted from 0.
        examples: Number of training examples.

    Returns:
        The integers 0 … examples − 1 in random order, shape (examples,).
    """
    # Raw output, because NumPy promises to keep the stream of a bit generator, but not that of `permutation`.
    keys = np.random.Philox(np.random.SeedSequence([seed, epoch])).random_raw(examples)
    return np.argsort(keys, kind="stable").astype(np.int32)


def trial_batches(seed: int, purpose: str, batch_size: int, trials: int, size: int, examples: int) -> NDArray[np.int32]:
    """Return the examples of independent trials, each drawn without replacement.

    Args:
        seed: The replica's seed.
        purpose: Name of the measurement; each name has draws of its own.
        batch_size: Batch size under study; each has draws of its own.
        trials: Number of independent draws.
        size: Examples in one draw, at most `examples`.
        examples: Number of training examples.

    Returns:
        Indices of training examples, shape (trials, size); no index occurs twice in a row.
    """
    # The third number keeps these streams apart from those of the epochs, which have two.
    stream = np.random.SeedSequence([seed, batch_size, zlib.crc32(purpose.encode())])
    generator = np.random.Generator(np.random.Philox(stream))
    drawn = np.empty((trials, size), dtype=np.int32)
    for trial in range(trials):
        # `choice` without replacement is uniform over subsets and orders, and does not permute all examples.
        drawn[trial] = generator.choice(examples, size=size, replace=False, shuffle=True)
    return drawn
