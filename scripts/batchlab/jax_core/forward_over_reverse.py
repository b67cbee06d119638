"""Loss, gradient and products with the Hessian for one row of examples, each compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import jax
from batchlab.jax_core.functional import Stored, Values, gradient_sum
from batchlab.jax_core.side_by_side import Replicas

Parts = Sequence[NDArray[Any]]


def loss_and_gradient(replica: Replicas) -> Callable[[NDArray[np.int32], Parts], tuple[Any, list[NDArray[Any]]]]:
    """Compile loss and gradient at given weights; see `training.core.loss_and_gradient`."""
    program = replica.program

    @jax.jit
    def compiled(weights: Values, fixed: Values, stored: Stored, row: Any) -> tuple[Any, Values]:
        loss: tuple[Any, Values] = gradient_sum(program, stored, weights, fixed, row, training=False)[1]
        return loss

    def run(row: NDArray[np.int32], weights: Parts) -> tuple[Any, list[NDArray[Any]]]:
        loss, gradient = compiled(list(weights), replica.present()[1], replica.stored, row)
        return np.asarray(loss), [np.asarray(part) for part in gradient]

    return run


def hessian_product(replica: Replicas) -> Callable[[NDArray[np.int32], Parts], list[NDArray[Any]]]:
    """Compile H v as a derivative of the gradient, forward over reverse; see `training.core.hessian_product`."""
    program = replica.program

    @jax.jit
    def compiled(trainable: Values, fixed: Values, stored: Stored, row: Any, direction: Values) -> Values:
        def gradient(weights: Values) -> Values:
            return gradient_sum(program, stored, weights, fixed, row, training=False)[1][1]

        products: Values = jax.jvp(gradient, (trainable,), (direction,))[1]
        return products

    def run(row: NDArray[np.int32], direction: Parts) -> list[NDArray[Any]]:
        parts = compiled(*replica.present(), replica.stored, row, list(direction))
        return [np.asarray(part) for part in parts]

    return run
