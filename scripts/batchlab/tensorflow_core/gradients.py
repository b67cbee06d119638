"""Parameter updates, many of them in one compiled loop.

The gradient of an update is Σ ∇ℓᵢ / n over the n examples of its batch: sums over micro-batches are accumulated and
divided once by the true count, so that a smaller last micro-batch or batch has its due weight and K micro-batches
give the large batch's gradient up to rounding (unless a layer looks at the whole micro-batch, as normalisation does).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core import outer_products


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Return the cross-entropy −log softmax(logits)[label] of each example, shape (examples,)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def gradient_sum(model: Any, inputs: Any, labels: Any, training: bool = True) -> tuple[Any, list[Any]]:
    """Return loss and gradient, both summed over the examples of one micro-batch.

    Losses that layers add (weight penalties, activity penalties) describe the whole micro-batch and are weighted by its
    count, so that they enter an update once, whatever its accumulation.

    Args:
        model: The model.
        inputs: Shape (examples, …).
        labels: Shape (examples,).
        training: Whether the model runs in training mode (batch statistics, dropout).

    Returns:
        The summed loss and one summed gradient for each trainable variable.
    """
    # TensorFlow's own variables, because the tape knows nothing of Keras' wrappers in every version.
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(cross_entropy(labels, model(inputs, training=training)))
        for penalty in model.losses:
            loss += tf.cast(inputs.shape[0], loss.dtype) * tf.cast(penalty, loss.dtype)
    gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]


def accumulated(model: Any, data: Resident, indices: Any, micro: int) -> tuple[Any, list[Any]]:
    """Return loss and gradient summed over a batch that is processed micro-batch by micro-batch.

    Args:
        model: The model.
        data: The resident data set.
        indices: The batch's examples, of static shape (examples,).
        micro: Examples in a micro-batch; the last one takes what remains.
    """

    def part(rows: Any) -> tuple[Any, list[Any]]:
        return gradient_sum(model, data.inputs(tf.gather(data.x, rows)), tf.gather(data.y, rows))

    size = indices.shape[0]
    full, rest = divmod(size, micro)
    if full + bool(rest) == 1:
        return part(indices)
    kind = float_type()
    sums = [tf.zeros((), kind), *(tf.zeros(variable.shape, kind) for variable in model.trainable_variables)]

    def body(start: Any, *sums: Any) -> tuple[Any, ...]:
        loss, gradients = part(tf.slice(indices, [start], [micro]))
        return start + micro, *(total + new for total, new in zip(sums, [loss, *gradients], strict=True))

    if full == 1:
        _, *sums = body(0, *sums)
    else:
        _, *sums = tf.while_loop(lambda start, *_: start < full * micro, body, (tf.constant(0), *sums))
    if rest:
        loss, gradients = part(indices[full * micro :])
        sums = [total + new for total, new in zip(sums, [loss, *gradients], strict=True)]
    return sums[0], sums[1:]


def gradient_at(model: Any, data: Resident, rows: NDArray[np.int32], jit: bool) -> list[NDArray[Any]]:
    """Return the gradient summed over the examples `rows` in training mode, compiled as updates are.

    One array per trainable variable, at the model's present weights.
    """

    @tf.function(jit_compile=jit, autograph=False)
    def compiled(rows: Any) -> list[Any]:
        return gradient_sum(model, data.inputs(tf.gather(data.x, rows)), tf.gather(data.y, rows))[1]

    return [gradient.numpy() for gradient in compiled(tf.constant(rows))]


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

    def apply(gradients: list[Any]) -> None:
        optimizer.apply([gradient / size for gradient in gradients], model.trainable_variables)

    @tf.function(jit_compile=jit, autograph=False)
    def run(order: Any, start: Any, stop: Any) -> Any:
        # The position itself is the loop variable: XLA makes a loop-invariant offset of a slice a compile-time constant
        # and would compile anew for each value. The same holds for the bound of a `tf.range` loop.
        def body(position: Any, total: Any) -> tuple[Any, Any]:
            loss, gradients = accumulated(model, data, tf.slice(order, [position], [size]), micro)
            if few:
                outer_products.update(gradients, position < stop, apply)
            else:
                apply(gradients)
            return position + size, total + loss

        return tf.while_loop(lambda position, _: position < stop, body, (start, tf.zeros((), float_type())))[1]

    return run
