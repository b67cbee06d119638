"""Parameter updates whose learning rate follows a schedule, many of them in one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core.tapes import accumulated, divisor

ScheduledUpdates = Callable[[Any, Any, Any, Any], Any]


def compile_scheduled_updates(
    model: Any, optimizer: Any, data: Resident, size: int, micro: int, jit: bool, following: Any
) -> ScheduledUpdates:
    """Compile the updates of one batch size under a schedule.

    The returned function `run(order, start, stop, rates)` is that of `compile_updates`, with the learning rate of each
    update in `rates`, a vector of the model's precision that may be longer than needed.

    Args:
        model: The model, whose variables are updated.
        optimizer: A built Keras optimizer.
        data: The resident data set.
        size: Examples in a batch.
        micro: Examples in a micro-batch.
        jit: Whether XLA compiles the loop.
        following: Variables that follow the schedule, see `training.core.Following`.
    """

    @tf.function(jit_compile=jit, autograph=False)
    def run(order: Any, start: Any, stop: Any, rates: Any) -> Any:
        # The position itself is the loop variable, as in `compile_updates`.
        def body(position: Any, number: Any, total: Any) -> tuple[Any, Any, Any]:
            rows = tf.slice(order, [position], [size])
            loss, gradients = accumulated(model, data, rows, micro)
            by = divisor(data, rows)
            rate = rates[number]
            for momentum in following.momenta:
                momentum.assign(momentum * (rate / following.rate))
            following.rate.assign(rate)
            optimizer.apply([gradient / by for gradient in gradients], model.trainable_variables)
            return position + size, number + 1, total + loss

        state = start, tf.zeros((), tf.int32), tf.zeros((), float_type())
        return tf.while_loop(lambda position, *_: position < stop, body, state)[2]

    return run
