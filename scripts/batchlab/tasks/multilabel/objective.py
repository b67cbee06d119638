"""Several labels of one example: cross-entropy of the sigmoid of a logit for each, and accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import float_type, keras
from batchlab.backend.task_interface import Kernels
from batchlab.tasks.class_weights import Wanted, answer_weights
from batchlab.tasks.last_axis import mean_over_last
from batchlab.tasks.logits import squashed
from batchlab.tasks.means import mean
from batchlab.tasks.sigmoids import correct, cross_entropy


class Multilabel:
    """Each label applies to an example or does not; targets are 0 or 1, shape (examples, labels).

    Args:
        wanted: Weights of answers, see `answer_weights`; they count in updates, not in metrics.
        of_answers: The weights themselves, where the data set is known and weights are wanted, shape (2, labels).
    """

    metrics: tuple[str, ...] = ("loss", "accuracy", "exact_match")

    def __init__(self, wanted: Wanted = None, of_answers: NDArray[np.float64] | None = None) -> None:
        self._wanted, self._of_answers = wanted, of_answers

    def of(self, arrays: Mapping[str, NDArray[Any]]) -> Multilabel:
        """Return the objective with the weights of the answers."""
        return type(self)(self._wanted, answer_weights(self._wanted, arrays))

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return (labels,)."""
        return (int(arrays["classes"]),)

    def targets(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the labels."""
        return stored.astype(np.int32)

    def weights(self, targets: Any, given: Any) -> Any:
        """Return the weights of the data set, or those of each answer times them, shape (examples, labels)."""
        if self._of_answers is None:
            return given
        no, yes = (keras.ops.convert_to_tensor(weights, float_type()) for weights in self._of_answers)
        of_answer = keras.ops.where(keras.ops.equal(targets, 1), yes, no)
        return of_answer if given is None else of_answer * keras.ops.expand_dims(given, -1)

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the mean cross-entropy of each example's labels, shape (examples,); with weights, that of each."""
        losses = cross_entropy(targets, outputs)
        return mean_over_last(losses) if self._of_answers is None else losses

    def scores(self, kernels: Kernels, targets: Any, outputs: Any, given: Any) -> tuple[Any, ...]:
        """Return each example's loss, its share of labels that are right, and whether all are."""
        right = keras.ops.cast(correct(targets, outputs), outputs.dtype)
        losses = mean_over_last(cross_entropy(targets, outputs))
        return losses, mean_over_last(right), keras.ops.min(right, axis=-1)

    def summary(
        self, values: Sequence[NDArray[np.float64]], targets: NDArray[Any], given: NDArray[Any] | None
    ) -> tuple[float, ...]:
        """Return the means."""
        return tuple(mean(each, given) for each in values)

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Return None: `range_fault` tells probabilities from logits."""
        return None

    def range_fault(self, low: float, high: float) -> str | None:
        """Refuse outputs that cannot leave −1 to 1, or have one sign: an activation follows the logits."""
        return squashed(low, high, "the sigmoid")


def objective(options: Mapping[str, Any]) -> Multilabel:
    """Return the objective with its option."""
    return Multilabel(options.get("class_weights"))
