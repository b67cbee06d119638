"""Functions of loss and gradient for many rows of examples, side by side as far as memory allows.

Rows run in chunks that fit the budget of `memory_budget`, one after the other where the model has convolutions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import jax
from batchlab.jax_core.functional import Program, Stored, Values, gradient_sum, loss_sum
from batchlab.jax_core.memory_budget import side_by_side
from batchlab.jax_core.side_by_side import Replicas
from batchlab.jax_core.vectorising import vectorisation_rule

jnp = jax.numpy


class Landscape:
    """Loss and gradient of a model inside a traced function; see `training.core.Landscape`."""

    def __init__(self, program: Program, stored: Stored, trainable: Values, fixed: Values) -> None:
        self._program, self._stored, self.weights, self._fixed = program, stored, trainable, fixed

    def loss(self, rows: Any, weights: Values | None = None) -> Any:
        """Return the loss summed over the examples `rows`."""
        at = self.weights if weights is None else weights
        return loss_sum(self._program, self._stored, at, self._fixed, rows, training=False)[0]

    def gradient(self, rows: Any, weights: Values | None = None) -> Values:
        """Return the gradient summed over the examples `rows`, one array for each variable."""
        at = self.weights if weights is None else weights
        return gradient_sum(self._program, self._stored, at, self._fixed, rows, training=False)[1][1]

    def squared_norms(self, gradients: Values) -> Any:
        """Return the squared norm of each variable's gradient, shape (variables,)."""
        return jnp.stack([jnp.sum(jnp.square(gradient)) for gradient in gradients])

    def sum_along_sgd(self, rows: Any, size: int, learning_rate: float) -> Values:
        """Return the sum of the gradients met along a path of plain SGD from the present weights."""

        def step(carry: Any, batch: Any) -> tuple[Any, None]:
            weights, sums = carry
            gradients = self.gradient(batch, weights)
            weights = [w - learning_rate / size * g for w, g in zip(weights, gradients, strict=True)]
            return (weights, jax.tree.map(jnp.add, sums, gradients)), None

        zeros = [jnp.zeros_like(value) for value in self.weights]
        (_, sums), _ = jax.lax.scan(step, (self.weights, zeros), rows.reshape(-1, size))
        total: Values = sums
        return total


def _chunk(model: Any, function: Callable[..., Any], *arguments: Any) -> int:
    """Return how many rows are computed side by side."""
    return side_by_side(function, *arguments) if vectorisation_rule(model)[0] else 1


def over_rows(replica: Replicas, function: Callable[..., Any], length: int) -> Callable[..., NDArray[np.float64]]:
    """Compile a loop over chunks of rows; see `training.core.over_rows`. The function itself tells the length."""
    program = replica.program

    def one(row: Any, trainable: Values, fixed: Values, stored: Stored, more: Any) -> Any:
        return function(Landscape(program, stored, trainable, fixed), row, *more)

    @jax.jit
    def all_rows(rows: Any, trainable: Values, fixed: Values, stored: Stored, more: Any) -> Any:
        chunk = min(_chunk(program.model, one, rows[0], trainable, fixed, stored, more), len(rows))
        return jax.lax.map(lambda row: one(row, trainable, fixed, stored, more), rows, batch_size=chunk)

    return lambda rows, *more: np.asarray(all_rows(rows, *replica.present(), replica.stored, more), dtype=np.float64)


def single_gradients(replica: Replicas) -> Callable[[int, int], tuple[NDArray[Any], list[NDArray[Any]]]]:
    """Compile the gradients of single examples in blocks; see `training.core.single_gradients`."""
    program = replica.program

    def single(example: Any, trainable: Values, fixed: Values, stored: Stored) -> Values:
        return Landscape(program, stored, trainable, fixed).gradient(example[None])

    @jax.jit
    def block(rows: Any, trainable: Values, fixed: Values, stored: Stored) -> tuple[Any, Values]:
        """Return Σ ‖gᵢ‖² over the variables for each example of a block, and Σ gᵢ."""
        norms = Landscape(program, stored, trainable, fixed).squared_norms

        def part(sums: Values, rows: Any) -> tuple[Values, Any]:
            gradients = jax.vmap(lambda row: single(row, trainable, fixed, stored))(rows)
            squares = jnp.sum(jax.vmap(norms)(gradients), axis=-1)
            return [total + jnp.sum(new, axis=0) for total, new in zip(sums, gradients, strict=True)], squares

        zeros = [jnp.zeros_like(value) for value in trainable]
        chunk = min(_chunk(program.model, single, rows[0], trainable, fixed, stored), len(rows))
        full = len(rows) // chunk * chunk
        sums, squares = jax.lax.scan(part, zeros, rows[:full].reshape(-1, chunk))
        sums, rest = part(sums, rows[full:])
        return jnp.concatenate([squares.ravel(), rest]), sums

    def run(start: int, stop: int) -> tuple[NDArray[Any], list[NDArray[Any]]]:
        squares, sums = block(np.arange(start, stop, dtype=np.int32), *replica.present(), replica.stored)
        return np.asarray(squares), [np.asarray(total) for total in sums]

    return run


def gradient(replica: Replicas, rows: NDArray[np.int32]) -> list[NDArray[Any]]:
    """Return a gradient in training mode; see `training.core.gradient`."""

    @jax.jit
    def compiled(trainable: Values, fixed: Values, stored: Stored) -> Values:
        return gradient_sum(replica.program, stored, trainable, fixed, jnp.asarray(rows))[1][1]

    return [np.asarray(part) for part in compiled(*replica.present(), replica.stored)]
