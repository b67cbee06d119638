"""The next token of a sequence: cross-entropy of logits at each place, perplexity and accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import keras
from batchlab.backend.task_interface import Kernels
from batchlab.tasks.logits import probabilities, squashed
from batchlab.tasks.means import ratio

# exp(700) is the largest round power that double precision holds; a loss above it has no perplexity worth a number.
_LARGEST = 700.0


class NextToken:
    """Sequences of tokens 0 … C − 1; the target at each place is the token that follows, shape (examples, length).

    Every token counts alike, or by its weight in the data set: 0 for what only fills a sequence up. Long sequences
    therefore count for more than short ones, in updates and in metrics.
    """

    metrics: tuple[str, ...] = ("loss", "perplexity", "accuracy")

    def of(self, arrays: Mapping[str, NDArray[Any]]) -> NextToken:
        """Return the objective itself."""
        return self

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return (length, tokens)."""
        return (*arrays["y_train"].shape[1:], int(arrays["classes"]))

    def targets(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the tokens."""
        return stored.astype(np.int32)

    def weights(self, targets: Any, given: Any) -> Any:
        """Return the weights of the data set."""
        return given

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the cross-entropy of each token, shape (examples, length)."""
        return kernels.cross_entropy(targets, outputs)

    def scores(self, kernels: Kernels, targets: Any, outputs: Any, given: Any) -> tuple[Any, ...]:
        """Return each example's sums over its tokens of cross-entropy and of right answers, by their weights."""
        right = keras.ops.equal(keras.ops.cast(keras.ops.argmax(outputs, axis=-1), targets.dtype), targets)
        each = kernels.cross_entropy(targets, outputs), keras.ops.cast(right, outputs.dtype)
        return tuple(keras.ops.sum(values if given is None else values * given, axis=-1) for values in each)

    def summary(
        self, values: Sequence[NDArray[np.float64]], targets: NDArray[Any], given: NDArray[Any] | None
    ) -> tuple[float, ...]:
        """Return means over all tokens of the split, and e to the mean loss."""
        tokens = float(targets.size) if given is None else float(given.astype(np.float64).sum())
        loss, accuracy = (ratio(float(each.sum()), tokens) for each in values)
        return loss, float(np.exp(min(loss, _LARGEST))), accuracy

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Refuse probabilities: the loss applies the softmax itself."""
        return probabilities(outputs)

    def range_fault(self, low: float, high: float) -> str | None:
        """Refuse outputs that cannot leave −1 to 1, or have one sign: an activation follows the logits."""
        return squashed(low, high, "the softmax")


def objective(options: Mapping[str, Any]) -> NextToken:
    """Return the objective."""
    return NextToken()
