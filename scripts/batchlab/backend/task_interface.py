"""What training asks of a task, and a task of the core that computes: the interface between the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

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
    """What is learnt: the loss of each example, and the values behind each metric.

    Attributes:
        metrics: Names of the metrics of one split, the loss first.
        target_type: Type of the targets in memory, such as `int32`.
    """

    metrics: tuple[str, ...]
    target_type: str

    def output_shape(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
        """Return the shape of a model's output for one example, from the arrays of a prepared data set."""

    def losses(self, kernels: Kernels, targets: Any, outputs: Any) -> Any:
        """Return the loss of each example, shape (examples,)."""

    def scores(self, kernels: Kernels, targets: Any, outputs: Any) -> tuple[Any, ...]:
        """Return for each of `metrics` the values of the examples, shape (examples,), whose mean is the metric."""

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
