"""Parameter updates of one replica whose learning rate follows a schedule, many of them in one loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batchlab.backend.runtime import float_type, jax
from batchlab.jax_core.functional import Program, Stored, accumulated, divisor
from batchlab.jax_core.scanned_updates import State

ScheduledUpdates = Callable[[State, Any, Any, Stored, Any, Any], tuple[State, Any]]


@dataclass(frozen=True)
class Places:
    """Where what follows a schedule stands among the optimizer's variables."""

    rate: int
    momenta: tuple[int, ...]


def places_of(optimizer: Any, following: Any) -> Places:
    """Return the places of the variables that follow a schedule, see `training.core.Following`."""
    place = {id(variable): number for number, variable in enumerate(optimizer.variables)}
    return Places(place[id(following.rate)], tuple(place[id(variable)] for variable in following.momenta))


def scheduled_updates_of(program: Program, optimizer: Any, size: int, micro: int, places: Places) -> ScheduledUpdates:
    """Return the updates of one batch size under a schedule as a function of one replica.

    The function `run(state, order, rates, stored, start, count)` is that of `updates_of`, with the learning rate of
    each update in `rates`, a vector of the model's precision that may be longer than needed; it is the replica's own.

    Args:
        program: Model and data set.
        optimizer: A built Keras optimizer.
        size: Examples in a batch.
        micro: Examples in a micro-batch.
        places: Where what follows the schedule stands.
    """

    def run(state: State, order: Any, rates: Any, stored: Stored, start: Any, count: Any) -> tuple[State, Any]:
        def body(number: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
            (trainable, fixed, slots), total = carry
            indices = jax.lax.dynamic_slice(order, (start + number * size,), (size,))
            fixed, (loss, gradients) = accumulated(program, stored, trainable, fixed, indices, micro)
            by = divisor(program, stored, indices)
            slots = list(slots)
            for place in places.momenta:
                slots[place] = slots[place] * (rates[number] / slots[places.rate])
            slots[places.rate] = rates[number]
            trainable, slots = optimizer.stateless_apply(slots, [gradient / by for gradient in gradients], trainable)
            return (trainable, fixed, slots), total + loss

        return jax.lax.fori_loop(0, count, body, (state, jax.numpy.zeros((), float_type())))

    return run
