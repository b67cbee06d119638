"""Parameter updates of one replica, many of them in one loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlab.backend.runtime import float_type, jax
from batchlab.jax_core.functional import Program, Stored, Values, accumulated, divisor

# Values of a replica's trainable variables, its other variables, and its optimizer's.
State = tuple[Values, Values, Values]

Updates = Callable[[State, Any, Stored, Any, Any], tuple[State, Any]]


def updates_of(program: Program, optimizer: Any, size: int, micro: int) -> Updates:
    """Return the updates of one batch size as a function of one replica.

    The function `run(state, order, stored, start, count)` makes `count` updates, one for each batch
    `order[i : i + size]`, i = start, start + size, …, and returns the new state and the sum of the examples' losses,
    each taken at the weights of its own update. Other values of `start` and `count` (int32) do not compile anew.

    Args:
        program: Model and data set.
        optimizer: A built Keras optimizer; its learning rate is one of its variables and so the replica's own.
        size: Examples in a batch.
        micro: Examples in a micro-batch.
    """

    def run(state: State, order: Any, stored: Stored, start: Any, count: Any) -> tuple[State, Any]:
        def body(number: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
            (trainable, fixed, slots), total = carry
            indices = jax.lax.dynamic_slice(order, (start + number * size,), (size,))
            fixed, (loss, gradients) = accumulated(program, stored, trainable, fixed, indices, micro)
            by = divisor(program, stored, indices)
            trainable, slots = optimizer.stateless_apply(slots, [gradient / by for gradient in gradients], trainable)
            return (trainable, fixed, slots), total + loss

        return jax.lax.fori_loop(0, count, body, (state, jax.numpy.zeros((), float_type())))

    return run
