"""The core that computes, chosen by the environment (see `backend.runtime`); the one place that knows both.

A core turns a model and a data set into compiled passes over replicas of the model: value and gradient of a
micro-batch, loops over updates and over rows of examples. Training, evaluation and probes are written once, on top of
the interface below, with the same order of the data, accumulation, positions, snapshots and tables under either core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from batchlab.backend import runtime
from batchlab.backend.resident import Resident, memory_type
from batchlab.backend.streamed import is_streamed, window_rows
from batchlab.training import streamed_rows
from batchlab.training.metrics import CHUNK
from batchlab.training.normalisation import POPULATION_CHUNK, normalisation_layers
from batchlab.training.streaming import StreamedReplicas

if runtime.NAME == "jax":
    from batchlab.jax_core import array_window as chosen_window
    from batchlab.jax_core import forward_over_reverse as chosen_curvature
    from batchlab.jax_core import side_by_side as chosen
    from batchlab.jax_core import vectorised_products as chosen_products
    from batchlab.jax_core import vectorised_rows as chosen_rows
else:
    from batchlab.tensorflow_core import double_backward as chosen_curvature  # type: ignore[no-redef]
    from batchlab.tensorflow_core import one_by_one as chosen  # type: ignore[no-redef]
    from batchlab.tensorflow_core import row_loops as chosen_rows  # type: ignore[no-redef]
    from batchlab.tensorflow_core import single_products as chosen_products  # type: ignore[no-redef]
    from batchlab.tensorflow_core import variable_window as chosen_window  # type: ignore[no-redef]

Arrays = dict[str, NDArray[Any]]


# Numbers of examples, in parts that go through the model together; and one array for each trainable variable.
Rows = Sequence[NDArray[np.int32]]
Parts = Sequence[NDArray[Any]]

# (batch size, first position, last position) in an order: updates of one size, one after the other.
Batches = tuple[int, int, int]


@dataclass(frozen=True)
class Following:
    """Variables of the optimizer that follow a schedule.

    Attributes:
        rate: The learning rate, set before each update.
        momenta: Variables that are multiplied with the quotient of the new rate and the old one.
    """

    rate: Any
    momenta: tuple[Any, ...] = ()


class Landscape(Protocol):
    """Loss and gradient as functions of the weights, inside a function that a core traces.

    The model runs in inference mode: without dropout, with the normalisation statistics that are set, so that every
    example has a loss and a gradient of its own. Sums are over the examples `rows`; a mean divides by their count.
    `weights` and gradients are lists with one tensor for each trainable variable, in the model's order; combine them
    with `keras.ops` and arithmetic.

    Attributes:
        weights: The present weights.
    """

    weights: list[Any]

    def loss(self, rows: Any, weights: list[Any] | None = None) -> Any:
        """Return the summed loss, at other weights than the present ones where they are given."""

    def gradient(self, rows: Any, weights: list[Any] | None = None) -> list[Any]:
        """Return the gradient of the summed loss, at other weights than the present ones where they are given."""

    def squared_norms(self, gradients: list[Any]) -> Any:
        """Return the squared norm of each variable's gradient, shape (variables,)."""

    def sum_along_sgd(self, rows: Any, size: int, learning_rate: float) -> list[Any]:
        """Return the sum of the gradients along a path of plain SGD that starts at the present weights.

        Args:
            rows: Examples in the order of use.
            size: Examples of one step, a divisor of the number of rows.
            learning_rate: A step goes this factor along the negative mean gradient of its examples.
        """


class Replicas(Protocol):
    """The present state of a group of replicas of one model, and compiled passes of a data set through them.

    A replica's state is its `Arrays`: values by the keys of `variables`. Without an optimizer a group is one replica.

    Args:
        model: A built model.
        data: The resident data set.
        variables: Key → Keras variable of the model and, where there is one, the optimizer.
        optimizer: A built Keras optimizer; None where nothing is trained.
        micro: Examples in a micro-batch.
        following: Variables that follow a schedule; None for a constant rate.

    Attributes:
        compile_seconds: Time that compiling updates has taken so far.
    """

    compile_seconds: float

    def __init__(
        self,
        model: Any,
        data: Resident,
        variables: Mapping[str, Any],
        optimizer: Any = None,
        micro: int = 0,
        following: Following | None = None,
    ) -> None: ...

    @property
    def facts(self) -> dict[str, Any]:
        """How the passes are compiled and why, for the provenance record."""

    def groups(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return the seeds in groups that are trained at once, in order."""

    def restore(self, replicas: Sequence[Arrays]) -> None:
        """Take over a group of replicas."""

    def capture(self) -> list[Arrays]:
        """Return the present state of each replica."""

    def distances(self, references: Sequence[Arrays], keys: Sequence[str]) -> list[tuple[float, float]]:
        """Return ‖w − reference‖ and ‖w‖ of each replica, summed in double precision.

        Args:
            references: One for each replica; the same list each time, because it may be kept on the device.
            keys: Trainable variables that count.
        """

    def non_trainable(self) -> list[Any]:
        """Return the values of `model.non_trainable_variables`, each with the replicas on the leading axis."""

    def assign_non_trainable(self, values: Sequence[Any]) -> None:
        """Set what `non_trainable` returns."""

    def scores(self, chunks: NDArray[np.int32]) -> Callable[[], list[tuple[NDArray[Any], ...]]]:
        """Compile a pass in inference mode; it returns, for each replica, the examples' values behind each metric.

        Args:
            chunks: Examples that pass through the model together, shape (chunks, examples of a chunk).
        """

    def after_forward(
        self, during: Callable[[], AbstractContextManager[None]]
    ) -> Callable[[NDArray[np.int32]], list[NDArray[Any]]]:
        """Compile a pass in training mode; it returns what `non_trainable` would be after it.

        It may change the replicas' own values, which the caller sets again.

        Args:
            during: Makes a context in which the pass is traced.
        """

    def on_device(self, orders: Sequence[NDArray[np.int32]]) -> Any:
        """Put an order of the training examples for each replica of the group on the device."""

    def run(
        self, orders: Any, batches: Sequence[Batches], rates: Sequence[NDArray[np.float64]] | None = None
    ) -> tuple[list[float], float]:
        """Make updates of each of `batches` in `orders`, one after the other.

        Args:
            orders: What `on_device` returned.
            batches: Updates of one size each.
            rates: For each of them each replica's learning rate of every update, shape (replicas, updates); None for
                constant rates.

        Returns:
            For each replica the sum of the examples' losses, each at the weights of its own update, and the seconds in
            compiled updates.
        """


def replicas(
    model: Any,
    data: Resident,
    variables: Mapping[str, Any],
    optimizer: Any = None,
    micro: int = 0,
    following: Following | None = None,
) -> Replicas:
    """Return replicas of a model in the core that the environment chose; see `Replicas`."""
    if not is_streamed(data):
        return chosen.Replicas(model, data, variables, optimizer, micro, following)
    least = POPULATION_CHUNK if normalisation_layers(model) else CHUNK  # examples that evaluation takes together
    window = chosen_window.Window(data, window_rows(data, least), memory_type(data.x.dtype))
    inner = chosen.Replicas(model, window.data, variables, optimizer, micro, following)
    return StreamedReplicas(inner, window, data)


# What measures is kept apart from what trains, each a function: an edit for one probe leaves training valid.


def _measured(replica: Replicas, compile_at: Callable[[Any], Any], of_rows: Callable[..., Any]) -> Any:
    """Return a core's compiled function; for a data set on disk it gets its rows by the window (`streamed_rows`)."""
    if not isinstance(replica, StreamedReplicas):
        return compile_at(replica)
    return of_rows(replica, compile_at(streamed_rows.of_core(replica)))


def over_rows(replica: Replicas, function: Callable[..., Any], length: int) -> Callable[..., NDArray[np.float64]]:
    """Compile a loop over rows of examples at the present state of one replica.

    Args:
        replica: A group of one.
        function: `function(landscape, row, *more)` is traced and returns a vector of the model's precision; `row`
            holds numbers of examples.
        length: Length of that vector.

    Returns:
        `run(rows, *more)`, which calls `function` for each row of an int32 array of shape (count, examples) and
        returns the results, shape (count, length). `more` are arrays, or lists of arrays such as a direction.
    """
    compiled: Callable[..., NDArray[np.float64]] = _measured(
        replica, lambda inner: chosen_rows.over_rows(inner, function, length), streamed_rows.of_many_rows
    )
    return compiled


def single_gradients(replica: Replicas) -> Callable[[int, int], tuple[NDArray[Any], list[NDArray[Any]]]]:
    """Compile the gradients of single examples at the present state of one replica.

    Returns:
        `run(start, stop)` for a block of the training examples (500 at most, from a multiple of 500), which returns
        ‖gᵢ‖² of each, shape (stop − start,), and Σ gᵢ, one array for each trainable variable.
    """
    compiled: Callable[[int, int], tuple[NDArray[Any], list[NDArray[Any]]]] = _measured(
        replica, chosen_rows.single_gradients, streamed_rows.of_stretches
    )
    return compiled


def inner_products(replica: Replicas) -> Callable[[NDArray[np.int32]], NDArray[np.float64]]:
    """Compile the inner products of single examples' gradients at the present state of one replica.

    Returns:
        `run(rows)`, which returns gᵢ·gⱼ over all trainable variables for each pair of the examples `rows`, shape
        (examples, examples), computed in the model's precision. Single gradients of other than dense layers are all
        held in memory at once.
    """
    compiled: Callable[[NDArray[np.int32]], NDArray[np.float64]] = _measured(
        replica, chosen_products.inner_products, streamed_rows.of_one_row
    )
    return compiled


def gradient(replica: Replicas, rows: NDArray[np.int32]) -> list[NDArray[Any]]:
    """Return one replica's gradient summed over the examples `rows` in training mode, compiled as updates are."""
    found: list[NDArray[Any]] = _measured(
        replica, lambda inner: lambda row: chosen_rows.gradient(inner, row), streamed_rows.of_one_row
    )(rows)
    return found


def loss_and_gradient(replica: Replicas) -> Callable[[Rows, Parts], tuple[float, list[NDArray[np.float64]]]]:
    """Compile loss and gradient of one replica at other weights than the present ones, in inference mode.

    Returns:
        `run(rows, weights)` for rows of examples and one array for each trainable variable: the loss summed over all
        examples, and its gradient. Rows go through the model one after the other and are added in double precision.
    """
    run = _measured(replica, chosen_curvature.loss_and_gradient, streamed_rows.of_one_row)

    def summed(rows: Rows, weights: Parts) -> tuple[float, list[NDArray[np.float64]]]:
        [loss], *gradient = _added([[loss[None], *parts] for loss, parts in (run(row, weights) for row in rows)])
        return float(loss), gradient

    return summed


def hessian_product(replica: Replicas) -> Callable[[Rows, Parts], list[NDArray[np.float64]]]:
    """Compile the product of the Hessian of one replica's loss with a direction, in inference mode.

    Returns:
        `run(rows, direction)` for rows as in `loss_and_gradient`: H v of the summed loss at the present weights, one
        array for each trainable variable.
    """
    run = _measured(replica, chosen_curvature.hessian_product, streamed_rows.of_one_row)
    return lambda rows, direction: _added([run(row, direction) for row in rows])


def _added(terms: Sequence[Sequence[NDArray[Any]]]) -> list[NDArray[np.float64]]:
    """Return sums of arrays, place by place, in double precision."""
    return [np.sum([np.asarray(part, np.float64) for part in parts], axis=0) for parts in zip(*terms, strict=True)]
