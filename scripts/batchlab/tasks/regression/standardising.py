"""Mean and deviation of targets. NumPy only: tables ask it for the level of a constant prediction."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scaling(NamedTuple):
    """Of each target over the training examples.

    Attributes:
        mean: Shape (targets,).
        deviation: Likewise; 1 for a target that is always the same.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def scaling_of(targets: NDArray[Any], given: NDArray[Any] | None = None) -> Scaling:
    """Return mean and deviation of targets.

    Args:
        targets: Of the training examples, shape (examples, targets).
        given: Weights of the examples, or None.
    """
    exact = targets.astype(np.float64)
    mean = np.average(exact, axis=0, weights=given)
    deviation = np.sqrt(np.average((exact - mean) ** 2, axis=0, weights=given))
    return Scaling(mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0))
