"""What a constant prediction reaches: the level of a model that has learnt nothing, or has lost what it had learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def constant_accuracy(targets: ArrayLike) -> float:
    """Return the largest accuracy of one answer for all examples, which is the share of the most frequent class.

    Args:
        targets: Labels, shape (examples,).
    """
    counts = np.unique(np.asarray(targets), return_counts=True)[1]
    return float(counts.max() / counts.sum())


def constant_loss(targets: ArrayLike) -> float:
    """Return the smallest mean cross-entropy of one distribution for all examples, in nats.

    That is the entropy of the shares of the classes (Gibbs' inequality).

    Args:
        targets: Labels, shape (examples,).
    """
    counts = np.unique(np.asarray(targets), return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
