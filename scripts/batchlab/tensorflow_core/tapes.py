"""Loss and gradient of a micro-batch, and their sums over a batch that is processed micro-batch by micro-batch.

The gradient of an update is Σ wᵢ ∇ℓᵢ / Σ wᵢ over the examples of its batch, or over the tokens of their sequences;
where none has a weight, that is the mean over the examples. Sums over micro-batches are accumulated and divided once by
the true count or sum of weights, so that a smaller last micro-batch, or one with fewer tokens, has its due weight and K
micro-batches give the large batch's gradient up to rounding (unless a layer looks at the whole micro-batch, as
normalisation does).
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

from batchlab.backend.model_inputs import takes_integers
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, keras, tf


class TensorFlowKernels:
    """Operations in TensorFlow's own form; see `backend.task_interface.Kernels`."""

    def cross_entropy(self, labels: Any, logits: Any) -> Any:
        """Return −log softmax(logits)[label], from TensorFlow's fused operation."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


KERNELS = TensorFlowKernels()


def examples(model: Any, data: Resident, rows: Any) -> tuple[Any, Any, Any]:
    """Return inputs, targets and the data set's weights, or None, of the examples `rows`."""
    weights = None if data.weights is None else tf.gather(data.weights, rows)
    return data.inputs(tf.gather(data.x, rows), takes_integers(model)), tf.gather(data.y, rows), weights


def count(data: Resident, rows: Any) -> Any:
    """Return the number of the examples `rows`, or the sum of their weights where they have any."""
    given = None if data.weights is None else tf.gather(data.weights, rows)
    weights = data.task.weights(tf.gather(data.y, rows), given)
    return rows.shape[0] if weights is None else tf.reduce_sum(weights)


def divisor(data: Resident, rows: Any) -> Any:
    """Return what a gradient summed over the examples `rows` is divided by: their `count`, or 1 if that is 0."""
    found = count(data, rows)
    return found if isinstance(found, int) else tf.where(found > 0, found, tf.ones_like(found))


def loss_sum(model: Any, data: Resident, rows: Any, training: bool) -> Any:
    """Return the loss summed over the examples of one micro-batch, each times its weight.

    The loss of an example of several terms, such as tokens, is their mean, or their weighted sum. Losses that layers
    add (weight penalties, activity penalties) describe the whole micro-batch and are weighted by its count, so that
    they enter an update once, whatever its accumulation.
    """
    inputs, targets, given = examples(model, data, rows)
    losses = data.task.losses(KERNELS, targets, model(inputs, training=training))
    weights = data.task.weights(targets, given)
    if weights is not None:
        losses *= weights
    loss = tf.reduce_sum(losses)
    if weights is None and losses.shape.rank > 1:
        loss /= math.prod(losses.shape[1:])
    for penalty in model.losses:
        loss += tf.cast(count(data, rows), loss.dtype) * tf.cast(penalty, loss.dtype)
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
