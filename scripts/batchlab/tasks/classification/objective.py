"""Classification: cross-entropy of logits, and accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import float_type, keras
from batchlab.backend.task_interface import Kernels
from batchlab.tasks.class_weights import Wanted, class_weights
from batchlab.tasks.logits import probabilities, squashed
from batchlab.tasks.means import balanced, mean


class Classification:
    """One class for each example; targets are the labels 0 … classes − 1.

    Args:
        wanted: Weights of classes, see `class_weights`; they count in updates, not in metrics.
        more: Metrics beside loss and accuracy.
        of_classes: The weights themselves, where the data set is known and weights are wanted.
    """

    def __init__(
        self, wanted: Wanted = None, more: Sequence[str] = (), of_classes: NDArray[np.float64] | None = None
    ) -> None:
        self._wanted, self._more, self._of_classes = wanted, tuple(more), of_classes
        self.metrics = ("loss", "accuracy", *self._more)

    def of(self, arrays: Mapping[str, NDArray[Any]]) -> Classification:
        """Return the objective with the weights of the classes."""
        return type(self)(self._wanted, self._more, class_weights(self._wanted, arrays))

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return (classes,)."""
        return (int(arrays["classes"]),)

    def targets(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the labels."""
        return stored.astype(np.int32)

    def weights(self, targets: Any, given: Any) -> Any:
        """Return the weight of each example: the data set's times that of its class."""
        if self._of_classes is None:
            return given
        of_class = keras.ops.take(keras.ops.convert_to_tensor(self._of_classes, float_type()), targets)
        return of_class if given is None else of_class * given

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the cross-entropy of each example, shape (examples,)."""
        return kernels.cross_entropy(targets, outputs)

    def scores(self, kernels: Kernels, targets: Any, outputs: Any, given: Any) -> tuple[Any, ...]:
        """Return each example's cross-entropy and whether its largest logit is that of its label."""
        correct = keras.ops.equal(keras.ops.argmax(outputs, axis=-1), targets)
        return kernels.cross_entropy(targets, outputs), correct

    def summary(
        self, values: Sequence[NDArray[np.float64]], targets: NDArray[Any], given: NDArray[Any] | None
    ) -> tuple[float, ...]:
        """Return the means of loss and accuracy, and the mean accuracy of the classes where it is asked for."""
        losses, correct = values
        more = [balanced(correct, targets, given) for _ in self._more]
        return mean(losses, given), mean(correct, given), *more

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Refuse probabilities: the loss applies the softmax itself."""
        return probabilities(outputs)

    def range_fault(self, low: float, high: float) -> str | None:
        """Refuse outputs that cannot leave −1 to 1, or have one sign: an activation follows the logits."""
        return squashed(low, high, "the softmax")


def objective(options: Mapping[str, Any]) -> Classification:
    """Return the objective with its options."""
    return Classification(options.get("class_weights"), options.get("metrics", ()))


CLASSIFICATION = Classification()
