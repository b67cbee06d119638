"""What training asks of a task, and a task of the core that computes: the interface between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Kernels(Protocol):
    """Operations that each core writes in its own way, for speed and so that stored results keep their last bits.

    Everything else in a task is `keras.ops`.
    """

    def cross_entropy(self, labels: Any, logits: Any) -> Any:
        """Return −log softmax(logits)[label] of each example.

        Args:
            labels: Integers, shape (examples, …).
            logits: Shape (examples, …, classes).
        """


class Objective(Protocol):
    """What is learnt: the loss of each example, how much it counts, and the values behind each metric.

    A term is what has a loss of its own: an example, or each token of a sequence. `terms` below stands for the shape
    (examples,) or (examples, tokens).

    Attributes:
        metrics: Names of the metrics of one split, the loss first.
    """

    metrics: tuple[str, ...]

    def of(self, arrays: Mapping[str, NDArray[Any]]) -> Objective:
        """Return the objective with what it takes from the training examples of a prepared data set.

        Args:
            arrays: The data set. Weights of examples, where it has any, are on average 1 over the training examples.
        """

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return the shape of a model's output for one example, from the arrays of a prepared data set."""

    def targets(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return stored targets as they are learnt, in their type in memory."""

    def weights(self, targets: Any, given: Any) -> Any:
        """Return how much each term counts in an update, shape `terms`; None where all count alike.

        Args:
            targets: Of the examples.
            given: Weights of the data set, shape `terms`, or None.
        """

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the loss of each term, shape `terms`."""

    def scores(self, kernels: Kernels, targets: Any, outputs: Any, given: Any) -> tuple[Any, ...]:
        """Return values of each example, shape (examples, …), of which `summary` makes the metrics.

        Args:
            kernels: Operations of the core.
            targets: Of the examples.
            outputs: The model's.
            given: Weights of the data set, shape `terms`, or None.
        """

    def summary(
        self, values: Sequence[NDArray[np.float64]], targets: NDArray[Any], given: NDArray[Any] | None
    ) -> tuple[float, ...]:
        """Return the value of each of `metrics` over the examples of one split, of which there is one at least.

        Args:
            values: What `scores` returned, in double precision.
            targets: Of the examples.
            given: Weights of the data set, shape `terms`, or None.
        """

    def fault(self, outputs: NDArray[Any]) -> str | None:
        """Return what is wrong with a new model's outputs, as the end of a message, or None.

        Args:
            outputs: Finite, shape (examples, *output_shape).
        """

    def range_fault(self, low: float, high: float) -> str | None:
        """Return what is wrong with outputs that stay in a range whatever the weights, or None.

        Args:
            low: Smallest output over several examples and draws of large weights.
            high: Largest output.
        """
