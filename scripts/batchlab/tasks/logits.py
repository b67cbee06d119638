"""What is wrong with the outputs of a model that should end in logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def probabilities(outputs: NDArray[Any]) -> str | None:
    """Return what is wrong with outputs of a new model whose sums over the last axis are 1, or None."""
    if (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=1e-3):
        return "returns probabilities; return logits, without a softmax at the end (the loss applies it)"
    return None


def squashed(low: float, high: float, applied: str) -> str | None:
    """Return what is wrong with logits that stay between two numbers, or None.

    Args:
        low: Smallest output.
        high: Largest output.
        applied: What the loss applies to logits.
    """
    if -1 <= low < high <= 1 or 0 <= low < high or low < high <= 0:
        return (
            f"its outputs stay between {low:.3g} and {high:.3g} whatever its weights, as after a sigmoid, tanh or "
            f"relu; return logits, without an activation at the end (the loss applies {applied})"
        )
    return None
