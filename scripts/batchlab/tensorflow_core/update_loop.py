"""Parameter updates, many of them in one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core import outer_products
from batchlab.tensorflow_core.tapes import accumulated, divisor

Updates = Callable[[Any, Any, Any], Any]


def compile_updates(model: Any, optimizer: Any, data: Resident, size: int, micro: int, jit: bool) -> Updates:
    """Compile the updates of one batch size.

    The returned function `run(order, start, stop)` makes one update for each batch `order[i : i + size]`,
    i = start, start + size, … < stop, and returns the sum of the examples' losses, each taken at the weights of its own
    update. `start` and `stop` are int32 tensors; other values do not compile anew, and start = stop compiles only.

    Args:
        model: The model, whose variables are updated.
        optimizer: A built Keras optimizer.
        data: The resident data set.
        size: Examples in a batch.
        micro: Examples in a micro-batch.
        jit: Whether XLA compiles the loop.
    """
    few = size <= micro and outer_products.pay(model, size, jit)

    @tf.function(jit_compile=jit, autograph=False)
    def run(order: Any, start: Any, stop: Any) -> Any:
        # The position itself is the loop variable: XLA makes a loop-invariant offset of a slice a compile-time constant
        # and would compile anew for each value. The same holds for the bound of a `tf.range` loop.
        def body(position: Any, total: Any) -> tuple[Any, Any]:
            rows = tf.slice(order, [position], [size])
            loss, gradients = accumulated(model, data, rows, micro)
            by = divisor(data, rows)

            def apply(gradients: list[Any]) -> None:
                optimizer.apply([gradient / by for gradient in gradients], model.trainable_variables)

            if few:
                outer_products.update(gradients, position < stop, apply)
            else:
                apply(gradients)
            return position + size, total + loss

        return tf.while_loop(lambda position, _: position < stop, body, (start, tf.zeros((), float_type())))[1]

    return run
