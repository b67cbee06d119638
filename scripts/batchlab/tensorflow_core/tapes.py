"""Loss and gradient of a micro-batch, and their sums over a batch that is processed micro-batch by micro-batch.

The gradient of an update is Σ ∇ℓᵢ / n over the n examples of its batch: sums over micro-batches are accumulated and
divided once by the true count, so that a smaller last micro-batch or batch has its due weight and K micro-batches
give the large batch's gradient up to rounding (unless a layer looks at the whole micro-batch, as normalisation does).
"""

from __future__ import annotations

import contextlib
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, keras, tf


class TensorFlowKernels:
    """Operations in TensorFlow's own form; see `backend.task_interface.Kernels`."""

    def cross_entropy(self, labels: Any, logits: Any) -> Any:
        """Return −log softmax(logits)[label] of each example, from TensorFlow's fused operation."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


KERNELS = TensorFlowKernels()


def examples(data: Resident, rows: Any) -> tuple[Any, Any]:
    """Return inputs and targets of the examples `rows`."""
    return data.inputs(tf.gather(data.x, rows)), tf.gather(data.y, rows)


def loss_sum(model: Any, data: Resident, rows: Any, training: bool) -> Any:
    """Return the loss summed over the examples of one micro-batch.

    Losses that layers add (weight penalties, activity penalties) describe the whole micro-batch and are weighted by its
    count, so that they enter an update once, whatever its accumulation.
    """
    inputs, targets = examples(data, rows)
    loss = tf.reduce_sum(data.task.losses(KERNELS, targets, model(inputs, training=training)))
    for penalty in model.losses:
        loss += tf.cast(inputs.shape[0], loss.dtype) * tf.cast(penalty, loss.dtype)
    return loss


def gradient_sum(
    model: Any, data: Resident, rows: Any, training: bool = True, weights: list[Any] | None = None
) -> tuple[Any, list[Any]]:
    """Return loss and gradient, both summed over the examples of one micro-batch.

    Args:
        model: The model.
        data: The resident data set.
        rows: The micro-batch's examples, of static shape (examples,).
        training: Whether the model runs in training mode (batch statistics, dropout).
        weights: Values in place of the trainable variables; None for the variables themselves.

    Returns:
        The summed loss and one summed gradient for each trainable variable.
    """
    # TensorFlow's own variables, because the tape knows nothing of Keras' wrappers in every version.
    sources = [variable.value for variable in model.trainable_variables] if weights is None else weights
    with contextlib.ExitStack() as stack:
        if weights is not None:
            stack.enter_context(replaced(model, weights))
        tape = stack.enter_context(tf.GradientTape())
        if weights is not None:
            tape.watch(weights)
        loss = loss_sum(model, data, rows, training)
    gradients = tape.gradient(loss, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]


def replaced(model: Any, weights: list[Any]) -> contextlib.AbstractContextManager[Any]:
    """Let the model compute with other values of its trainable variables inside a `with` block."""
    mapping = list(zip(model.trainable_variables, weights, strict=True))
    scope: contextlib.AbstractContextManager[Any] = keras.StatelessScope(state_mapping=mapping, collect_losses=True)
    return scope


def accumulated(model: Any, data: Resident, indices: Any, micro: int) -> tuple[Any, list[Any]]:
    """Return loss and gradient summed over a batch that is processed micro-batch by micro-batch.

    Args:
        model: The model.
        data: The resident data set.
        indices: The batch's examples, of static shape (examples,).
        micro: Examples in a micro-batch; the last one takes what remains.
    """
    size = indices.shape[0]
    full, rest = divmod(size, micro)
    if full + bool(rest) == 1:
        return gradient_sum(model, data, indices)
    kind = float_type()
    sums = [tf.zeros((), kind), *(tf.zeros(variable.shape, kind) for variable in model.trainable_variables)]

    def body(start: Any, *sums: Any) -> tuple[Any, ...]:
        loss, gradients = gradient_sum(model, data, tf.slice(indices, [start], [micro]))
        return start + micro, *(total + new for total, new in zip(sums, [loss, *gradients], strict=True))

    if full == 1:
        _, *sums = body(0, *sums)
    else:
        _, *sums = tf.while_loop(lambda start, *_: start < full * micro, body, (tf.constant(0), *sums))
    if rest:
        loss, gradients = gradient_sum(model, data, indices[full * micro :])
        sums = [total + new for total, new in zip(sums, [loss, *gradients], strict=True)]
    return sums[0], sums[1:]
