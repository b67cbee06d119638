"""Classification: cross-entropy of logits, and accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import keras
from batchlab.backend.task_interface import Kernels


class Classification:
    """One class for each example; targets are the labels 0 … classes − 1."""

    metrics: tuple[str, ...] = ("loss", "accuracy")
    target_type = "int32"

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return (classes,)."""
        return (int(arrays["classes"]),)

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the cross-entropy of each example, shape (examples,)."""
        return kernels.cross_entropy(targets, outputs)

    def scores(self, kernels: Kernels, targets: Any, outputs: Any) -> tuple[Any, ...]:
        """Return each example's cross-entropy and whether its largest logit is that of its label."""
        correct = keras.ops.equal(keras.ops.argmax(outputs, axis=-1), targets)
        return kernels.cross_entropy(targets, outputs), correct

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Refuse probabilities: the loss applies the softmax itself."""
        if (outputs >= 0).all() and np.allclose(outputs.sum(axis=-1), 1, atol=1e-3):
            return "returns probabilities; return logits, without a softmax at the end (the loss applies it)"
        return None

    def range_fault(self, low: float, high: float) -> str | None:
        """Refuse outputs that cannot leave −1 to 1, or have one sign: an activation follows the logits."""
        if -1 <= low < high <= 1 or 0 <= low < high or low < high <= 0:
            return (
                f"its outputs stay between {low:.3g} and {high:.3g} whatever its weights, as after a sigmoid, tanh or "
                "relu; return logits, without an activation at the end (the loss applies the softmax)"
            )
        return None


CLASSIFICATION = Classification()
