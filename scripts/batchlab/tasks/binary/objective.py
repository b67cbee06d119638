"""Two classes told apart by one logit: cross-entropy of its sigmoid, and accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from batchlab.backend.task_interface import Kernels
from batchlab.errors import BatchlabError
from batchlab.tasks.classification.objective import Classification
from batchlab.tasks.logits import squashed
from batchlab.tasks.sigmoids import correct, cross_entropy


class Binary(Classification):
    """One of two classes for each example; the logit is that of class 1."""

    def of(self, arrays: Mapping[str, NDArray[Any]]) -> Classification:
        """Return the objective with the weights of the classes.

        Raises:
            BatchlabError: The data set has other than two classes.
        """
        if int(arrays["classes"]) != 2:
            raise BatchlabError(
                f"task: binary has two classes, the data set {int(arrays['classes'])}; say task: classification"
            )
        return super().of(arrays)

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return (1,)."""
        return (1,)

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the cross-entropy of each example, shape (examples,)."""
        return cross_entropy(targets, outputs[:, 0])

    def scores(self, kernels: Kernels, targets: Any, outputs: Any, given: Any) -> tuple[Any, ...]:
        """Return each example's cross-entropy and whether the more probable class is its own."""
        return cross_entropy(targets, outputs[:, 0]), correct(targets, outputs[:, 0])

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Return None: of one output, `range_fault` alone tells a probability from a logit."""
        return None

    def range_fault(self, low: float, high: float) -> str | None:
        """Refuse outputs that cannot leave −1 to 1, or have one sign: an activation follows the logit."""
        return squashed(low, high, "the sigmoid")


def objective(options: Mapping[str, Any]) -> Binary:
    """Return the objective with its options."""
    return Binary(options.get("class_weights"), options.get("metrics", ()))
