"""Gradients of many trials side by side: the JAX core's part of the probe `gradient_norms`.

Trials run in chunks that fit the memory budget of `replicas.memory`, one after the other where the model has
convolutions. Functions, arguments and results are those of `gradient_trials`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import jax
from batchlab.jax_core.functional import Values, gradient_sum, present_values
from batchlab.jax_core.memory_budget import side_by_side
from batchlab.jax_core.vectorising import vectorisation_rule

jnp = jax.numpy

Trials = Callable[[NDArray[np.int32]], NDArray[np.float64]]

# From examples and the model's values, which are arguments so that other weights do not compile anew.
Trial = Callable[[Any, Values, Values, Resident], Values]

# Single gradients that are added in the model's precision before the sum is carried on in double precision.
_BLOCK = 500


def _squares(gradients: Values) -> Any:
    """Return the squared norm of each variable's gradient, shape (variables,)."""
    return jnp.stack([jnp.sum(jnp.square(gradient)) for gradient in gradients])


def _chunk(model: Any, function: Callable[..., Any], *arguments: Any) -> int:
    """Return how many trials are computed side by side."""
    return side_by_side(function, *arguments) if vectorisation_rule(model)[0] else 1


def _over_trials(model: Any, data: Resident, trial: Trial) -> Trials:
    """Compile a loop over chunks of trials; `trial` turns example numbers into a summed gradient."""

    def squares(row: Any, trainable: Values, fixed: Values, data: Resident) -> Any:
        return _squares(trial(row, trainable, fixed, data))

    @jax.jit
    def all_trials(rows: Any, trainable: Values, fixed: Values, data: Resident) -> Any:
        chunk = min(_chunk(model, squares, rows[0], trainable, fixed, data), len(rows))
        return jax.lax.map(lambda row: squares(row, trainable, fixed, data), rows, batch_size=chunk)

    return lambda rows: np.asarray(all_trials(rows, *present_values(model), data), dtype=np.float64)


def fixed_weights(model: Any, data: Resident, jit: bool) -> Trials:
    """Compile the norm of a batch's summed gradient at the model's present weights."""

    def trial(row: Any, trainable: Values, fixed: Values, data: Resident) -> Values:
        return gradient_sum(model, data, trainable, fixed, row, training=False)[1][1]

    return _over_trials(model, data, trial)


def same_samples(model: Any, data: Resident, jit: bool, size: int, learning_rate: float) -> Trials:
    """Compile the norm of the gradients summed along a path of plain SGD; every trial starts at the present weights."""

    def trial(samples: Any, trainable: Values, fixed: Values, data: Resident) -> Values:
        def step(carry: Any, batch: Any) -> tuple[Any, None]:
            weights, sums = carry
            _, (_, gradients) = gradient_sum(model, data, weights, fixed, batch, training=False)
            weights = [w - learning_rate / size * g for w, g in zip(weights, gradients, strict=True)]
            return (weights, jax.tree.map(jnp.add, sums, gradients)), None

        zeros = [jnp.zeros_like(value) for value in trainable]
        (_, sums), _ = jax.lax.scan(step, (trainable, zeros), samples.reshape(-1, size))
        return sums

    return _over_trials(model, data, trial)


def moments(model: Any, data: Resident, jit: bool) -> Callable[[int], tuple[float, float]]:
    """Compile ‖G‖² and tr Σ of the single gradients at the model's present weights."""

    def single(example: Any, trainable: Values, fixed: Values, data: Resident) -> Values:
        return gradient_sum(model, data, trainable, fixed, example[None], training=False)[1][1]

    @jax.jit
    def block(rows: Any, trainable: Values, fixed: Values, data: Resident) -> tuple[Any, Values]:
        """Return Σ ‖gᵢ‖² over the variables for each example of a block, and Σ gᵢ."""

        def part(sums: Values, rows: Any) -> tuple[Values, Any]:
            gradients = jax.vmap(lambda row: single(row, trainable, fixed, data))(rows)
            squares = jnp.sum(jax.vmap(_squares)(gradients), axis=-1)
            return [total + jnp.sum(new, axis=0) for total, new in zip(sums, gradients, strict=True)], squares

        zeros = [jnp.zeros_like(value) for value in trainable]
        chunk = min(_chunk(model, single, rows[0], trainable, fixed, data), len(rows))
        full = len(rows) // chunk * chunk
        sums, squares = jax.lax.scan(part, zeros, rows[:full].reshape(-1, chunk))
        sums, rest = part(sums, rows[full:])
        return jnp.concatenate([squares.ravel(), rest]), sums

    def run(examples: int) -> tuple[float, float]:
        trainable, fixed = present_values(model)
        squares = 0.0
        sums = [np.zeros(value.shape) for value in trainable]
        for start in range(0, examples, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, examples), dtype=np.int32)
            norms, gradients = block(rows, trainable, fixed, data)
            squares += float(np.asarray(norms, dtype=np.float64).sum())
            for total, gradient in zip(sums, gradients, strict=True):
                total += np.asarray(gradient)
        squared_norm = sum(float(np.sum((total / examples) ** 2)) for total in sums)
        return squared_norm, squares / examples - squared_norm

    return run
