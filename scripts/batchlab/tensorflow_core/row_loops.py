"""Functions of loss and gradient for many rows of examples, in one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend import passes
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core import outer_products
from batchlab.tensorflow_core.one_by_one import Replicas
from batchlab.tensorflow_core.tapes import gradient_sum, loss_sum, replaced

# Single gradients that are added in the model's precision before the sum is carried on in double precision.
BLOCK = 500


class Landscape:
    """Loss and gradient of a model inside a traced function; see `training.core.Landscape`."""

    def __init__(self, model: Any, data: Resident) -> None:
        self._model, self._data = model, data

    @property
    def weights(self) -> list[Any]:
        """The present values of the trainable variables."""
        return [tf.identity(variable.value) for variable in self._model.trainable_variables]

    def loss(self, rows: Any, weights: list[Any] | None = None) -> Any:
        """Return the loss summed over the examples `rows`."""
        if weights is None:
            return loss_sum(self._model, self._data, rows, training=False)
        with replaced(self._model, weights):
            return loss_sum(self._model, self._data, rows, training=False)

    def gradient(self, rows: Any, weights: list[Any] | None = None) -> list[Any]:
        """Return the gradient summed over the examples `rows`, one tensor for each variable."""
        return gradient_sum(self._model, self._data, rows, training=False, weights=weights)[1]

    def squared_norms(self, gradients: list[Any]) -> Any:
        """Return the squared norm of each variable's gradient, shape (variables,)."""
        return tf.stack([_squared_norm(gradient) for gradient in gradients])

    def sum_along_sgd(self, rows: Any, size: int, learning_rate: float) -> list[Any]:
        """Return the sum of the gradients met along a path of plain SGD from the present weights."""

        def step(position: Any, *state: Any) -> tuple[Any, ...]:
            weights, sums = state[: len(state) // 2], state[len(state) // 2 :]
            gradients = self.gradient(tf.slice(rows, [position], [size]), list(weights))
            moved = [w - learning_rate / size * g for w, g in zip(weights, gradients, strict=True)]
            return position + size, *moved, *(total + new for total, new in zip(sums, gradients, strict=True))

        start = self.weights
        zeros = [tf.zeros(weight.shape, float_type()) for weight in start]
        _, *state = tf.while_loop(lambda position, *_: position < rows.shape[0], step, (tf.constant(0), *start, *zeros))
        return state[len(start) :]


def _squared_norm(gradient: Any) -> Any:
    """Return the squared norm of one variable's gradient.

    That of a dense kernel is ‖hᵀ δ‖² = Σᵢⱼ (hᵢ·hⱼ)(δᵢ·δⱼ) over pairs of examples, which for few examples takes fewer
    operations than the gradient itself. Where the examples' gradients cancel, rounding may leave less than nothing.
    """
    pair = outer_products.factors(gradient) if passes.enabled("norms_from_factors") else None
    if pair:
        (examples, inputs), units = pair[0].shape, pair[1].shape[1]
        if examples * (inputs + units) < inputs * units:
            h_h, d_d = (tf.matmul(factor, factor, transpose_b=True) for factor in pair)
            return tf.maximum(tf.reduce_sum(h_h * d_d), 0.0)
    return tf.reduce_sum(tf.square(gradient))


def over_rows(replica: Replicas, function: Callable[..., Any], length: int) -> Callable[..., NDArray[np.float64]]:
    """Compile a loop over rows of examples; see `training.core.over_rows`."""
    landscape = Landscape(replica.model, replica.data)

    @tf.function(jit_compile=replica.jit, autograph=False)
    def run(rows: Any, *more: Any) -> Any:
        count, size = rows.shape

        def body(number: Any, results: Any) -> tuple[Any, Any]:
            row = tf.reshape(tf.slice(rows, [number, 0], [1, size]), [size])
            result = function(landscape, row, *more)
            return number + 1, tf.tensor_scatter_nd_update(results, [[number]], result[None])

        results = tf.zeros((count, length), float_type())
        return tf.while_loop(lambda number, _: number < count, body, (tf.constant(0), results))[1]

    return lambda rows, *more: np.asarray(run(tf.constant(rows), *more), dtype=np.float64)


def single_gradients(replica: Replicas) -> Callable[[int, int], tuple[NDArray[Any], list[NDArray[Any]]]]:
    """Compile the gradients of single examples in blocks; see `training.core.single_gradients`."""
    landscape = Landscape(replica.model, replica.data)

    @tf.function(jit_compile=replica.jit, autograph=False)
    def block(start: Any, stop: Any) -> tuple[Any, ...]:
        def body(number: Any, squares: Any, *sums: Any) -> tuple[Any, ...]:
            gradients = landscape.gradient(tf.reshape(number, [1]))
            square = tf.reduce_sum(landscape.squared_norms(gradients))
            added = tf.tensor_scatter_nd_update(squares, [[number % BLOCK]], [square])
            return number + 1, added, *(total + new for total, new in zip(sums, gradients, strict=True))

        zeros = [tf.zeros(variable.shape, float_type()) for variable in replica.model.trainable_variables]
        initial = (start, tf.zeros((BLOCK,), float_type()), *zeros)
        return tf.while_loop(lambda number, *_: number < stop, body, initial)[1:]

    def run(start: int, stop: int) -> tuple[NDArray[Any], list[NDArray[Any]]]:
        squares, *sums = block(tf.constant(start), tf.constant(stop))
        return squares.numpy()[: stop - start], [total.numpy() for total in sums]

    return run


def gradient(replica: Replicas, rows: NDArray[np.int32]) -> list[NDArray[Any]]:
    """Return a gradient in training mode; see `training.core.gradient`."""

    @tf.function(jit_compile=replica.jit, autograph=False)
    def compiled(rows: Any) -> list[Any]:
        return gradient_sum(replica.model, replica.data, rows)[1]

    return [part.numpy() for part in compiled(tf.constant(rows))]
