"""What tasks share whose outputs are logits of yes or no."""

from __future__ import annotations

from typing import Any

from batchlab.backend.runtime import keras


def cross_entropy(targets: Any, logits: Any) -> Any:
    """Return −log of the probability of each answer, as max(z, 0) − z y + log(1 + e^−|z|), which does not overflow.

    Args:
        targets: 0 or 1, of the shape of the logits.
        logits: Any shape.
    """
    ops = keras.ops
    return ops.maximum(logits, 0.0) - logits * ops.cast(targets, logits.dtype) + ops.log1p(ops.exp(-ops.abs(logits)))


def correct(targets: Any, logits: Any) -> Any:
    """Return whether the more probable answer is the target's; a logit of 0 says no."""
    return keras.ops.equal(keras.ops.cast(logits > 0, targets.dtype), targets)
