"""A Keras model as pure functions of its variables, and the gradient of a batch accumulated over micro-batches.

The gradient of an update is the TensorFlow core's: Σ ∇ℓᵢ over the n examples of a batch, summed over its micro-batches,
to be divided once by the true count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, jax, keras

jnp = jax.numpy

# Compiled functions take the data set as an argument; as a constant it would be compiled into each of them.
jax.tree_util.register_dataclass(Resident, data_fields=["x", "y"], meta_fields=["scale", "counts", "classes"])

# One array per variable of a list of Keras variables, in its order.
Values = list[Any]


def examples(data: Resident, rows: Any) -> tuple[Any, Any]:
    """Return inputs and labels of the examples `rows`."""
    return data.inputs(jnp.take(data.x, rows, axis=0, mode="clip")), jnp.take(data.y, rows, mode="clip")


def present_values(model: Any) -> tuple[Values, Values]:
    """Return the values of the model's own variables: those that are trained, and the others."""
    trainable = [variable.value for variable in model.trainable_variables]
    return trainable, [variable.value for variable in model.non_trainable_variables]


def forward(model: Any, trainable: Values, fixed: Values, inputs: Any, training: bool) -> tuple[Any, Values, list[Any]]:
    """Return logits, the new values of what is not trained, and the losses that layers add.

    This is Keras' `stateless_call`, except that it calls the model as everybody does: `stateless_call` goes past
    `__call__` to `call` and fails where that does not take `training`.

    Args:
        model: The model; its own variables are neither read nor changed.
        trainable: Values of `model.trainable_variables`.
        fixed: Values of `model.non_trainable_variables`: moving statistics, random states.
        inputs: Shape (examples, …).
        training: Whether the model runs in training mode.
    """
    mapping = [
        *zip(model.trainable_variables, trainable, strict=True),
        *zip(model.non_trainable_variables, fixed, strict=True),
    ]
    with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
        logits = model(inputs, training=training)
        penalties = list(model.losses)
    return logits, [scope.get_current_value(variable) for variable in model.non_trainable_variables], penalties


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Return the cross-entropy −log softmax(logits)[label] of each example, shape (examples,)."""
    chosen = jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]
    return jax.nn.logsumexp(logits, axis=-1) - chosen


def gradient_sum(
    model: Any, data: Resident, trainable: Values, fixed: Values, rows: Any, training: bool = True
) -> tuple[Values, tuple[Any, Values]]:
    """Return what is not trained as it is afterwards, and loss and gradient summed over one micro-batch.

    Losses that layers add (weight penalties, activity penalties) describe the whole micro-batch and are weighted by its
    count, so that they enter an update once, whatever its accumulation.

    Args:
        model: The model.
        data: The resident data set.
        trainable: Values of the trainable variables.
        fixed: Values of the others.
        rows: The micro-batch's examples.
        training: Whether the model runs in training mode.
    """
    inputs, labels = examples(data, rows)

    def loss_of(trainable: Values) -> tuple[Any, Values]:
        logits, after, penalties = forward(model, trainable, fixed, inputs, training)
        loss = jnp.sum(cross_entropy(labels, logits))
        for penalty in penalties:
            loss += rows.shape[0] * jnp.asarray(penalty, loss.dtype)
        return loss, after

    (loss, after), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
    return after, (loss, gradients)


def gradient_at(model: Any, data: Resident, rows: NDArray[np.int32], jit: bool) -> list[NDArray[Any]]:
    """Return the gradient summed over the examples `rows` in training mode, compiled as updates are.

    One array per trainable variable, at the model's present weights. `jit` is not used: everything is compiled.
    """

    @jax.jit
    def compiled(trainable: Values, fixed: Values, data: Resident) -> Values:
        _, (_, gradients) = gradient_sum(model, data, trainable, fixed, jnp.asarray(rows))
        return gradients

    return [np.asarray(gradient) for gradient in compiled(*present_values(model), data)]


def accumulated(
    model: Any, data: Resident, trainable: Values, fixed: Values, indices: Any, micro: int
) -> tuple[Values, tuple[Any, Values]]:
    """Return the same as `gradient_sum` for a batch that is processed micro-batch by micro-batch.

    Args:
        model: The model.
        data: The resident data set.
        trainable: Values of the trainable variables.
        fixed: Values of the others, which each micro-batch changes.
        indices: The batch's examples, shape (examples,).
        micro: Examples in a micro-batch; the last one takes what remains.
    """
    full, rest = divmod(indices.shape[0], micro)
    if full + bool(rest) == 1:
        return gradient_sum(model, data, trainable, fixed, indices)

    def body(carry: Any, rows: Any) -> tuple[Any, None]:
        fixed, sums = carry
        after, new = gradient_sum(model, data, trainable, fixed, rows)
        return (after, jax.tree.map(jnp.add, sums, new)), None

    zeros = (jnp.zeros((), float_type()), [jnp.zeros_like(value) for value in trainable])
    carry, _ = jax.lax.scan(body, (fixed, zeros), indices[: full * micro].reshape(full, micro))
    if rest:
        carry, _ = body(carry, indices[full * micro :])
    after, sums = carry
    return after, sums
