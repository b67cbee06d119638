"""A Keras model as pure functions of its variables, and the gradient of a batch accumulated over micro-batches.

The gradient of an update is Σ wᵢ ∇ℓᵢ / Σ wᵢ over the examples of a batch, or over the tokens of their sequences, summed
over its micro-batches, to be divided once by the true count or sum of weights.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from batchlab.backend.model_inputs import takes_integers
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, jax, keras
from batchlab.backend.task_interface import Objective

jnp = jax.numpy

# One array per variable of a list of Keras variables, in its order.
Values = list[Any]


class Program(NamedTuple):
    """What a compiled function is made for.

    Attributes:
        model: Its own variables are neither read nor changed.
        data: Gives the task and how stored rows become inputs; its arrays are arguments of compiled functions, because
            as constants they would be compiled into each of them.
    """

    model: Any
    data: Resident

    @property
    def task(self) -> Objective:
        """Loss and metrics."""
        return self.data.task


class Stored(NamedTuple):
    """Inputs, targets and, where they have any, weights of all examples on the device."""

    x: Any
    y: Any
    weights: Any = None


class JaxKernels:
    """Operations in JAX's own form; see `backend.task_interface.Kernels`."""

    def cross_entropy(self, labels: Any, logits: Any) -> Any:
        """Return −log softmax(logits)[label], with one logit picked instead of a sum over classes."""
        chosen = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
        return jax.nn.logsumexp(logits, axis=-1) - chosen


KERNELS = JaxKernels()


def examples(program: Program, stored: Stored, rows: Any) -> tuple[Any, Any, Any]:
    """Return inputs, targets and the data set's weights, or None, of the examples `rows`."""
    inputs = program.data.inputs(jnp.take(stored.x, rows, axis=0, mode="clip"), takes_integers(program.model))
    return inputs, *_targets(stored, rows)


def _targets(stored: Stored, rows: Any) -> tuple[Any, Any]:
    """Return targets and the data set's weights, or None, of the examples `rows`."""
    weights = None if stored.weights is None else jnp.take(stored.weights, rows, axis=0, mode="clip")
    return jnp.take(stored.y, rows, axis=0, mode="clip"), weights


def count(program: Program, stored: Stored, rows: Any) -> Any:
    """Return the number of the examples `rows`, or the sum of their weights where they have any."""
    weights = program.task.weights(*_targets(stored, rows))
    return rows.shape[0] if weights is None else jnp.sum(weights)


def divisor(program: Program, stored: Stored, rows: Any) -> Any:
    """Return what a gradient summed over the examples `rows` is divided by: their `count`, or 1 if that is 0."""
    found = count(program, stored, rows)
    return found if isinstance(found, int) else jnp.where(found > 0, found, 1)


def present_values(model: Any) -> tuple[Values, Values]:
    """Return the values of the model's own variables: those that are trained, and the others."""
    trainable = [variable.value for variable in model.trainable_variables]
    return trainable, [variable.value for variable in model.non_trainable_variables]


def forward(model: Any, trainable: Values, fixed: Values, inputs: Any, training: bool) -> tuple[Any, Values, list[Any]]:
    """Return outputs, the new values of what is not trained, and the losses that layers add.

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
        outputs = model(inputs, training=training)
        penalties = list(model.losses)
    return outputs, [scope.get_current_value(variable) for variable in model.non_trainable_variables], penalties


def loss_sum(
    program: Program, stored: Stored, trainable: Values, fixed: Values, rows: Any, training: bool
) -> tuple[Any, Values]:
    """Return the loss summed over one micro-batch, each example times its weight, and what is not trained afterwards.

    The loss of an example of several terms, such as tokens, is their mean, or their weighted sum. Losses that layers
    add (weight penalties, activity penalties) describe the whole micro-batch and are weighted by its count, so that
    they enter an update once, whatever its accumulation.
    """
    inputs, targets, given = examples(program, stored, rows)
    outputs, after, penalties = forward(program.model, trainable, fixed, inputs, training)
    losses = program.task.losses(KERNELS, targets, outputs)
    weights = program.task.weights(targets, given)
    if weights is not None:
        losses *= weights
    loss = jnp.sum(losses)
    if weights is None and losses.ndim > 1:
        loss /= math.prod(losses.shape[1:])
    for penalty in penalties:
        loss += count(program, stored, rows) * jnp.asarray(penalty, loss.dtype)
    return loss, after


def gradient_sum(
    program: Program, stored: Stored, trainable: Values, fixed: Values, rows: Any, training: bool = True
) -> tuple[Values, tuple[Any, Values]]:
    """Return what is not trained as it is afterwards, and loss and gradient summed over one micro-batch.

    Args:
        program: Model and data set.
        stored: The examples.
        trainable: Values of the trainable variables.
        fixed: Values of the others.
        rows: The micro-batch's examples.
        training: Whether the model runs in training mode.
    """

    def loss_of(trainable: Values) -> tuple[Any, Values]:
        return loss_sum(program, stored, trainable, fixed, rows, training)

    (loss, after), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
    return after, (loss, gradients)


def accumulated(
    program: Program, stored: Stored, trainable: Values, fixed: Values, indices: Any, micro: int
) -> tuple[Values, tuple[Any, Values]]:
    """Return the same as `gradient_sum` for a batch that is processed micro-batch by micro-batch.

    Args:
        program: Model and data set.
        stored: The examples.
        trainable: Values of the trainable variables.
        fixed: Values of the others, which each micro-batch changes.
        indices: The batch's examples, shape (examples,).
        micro: Examples in a micro-batch; the last one takes what remains.
    """
    full, rest = divmod(indices.shape[0], micro)
    if full + bool(rest) == 1:
        return gradient_sum(program, stored, trainable, fixed, indices)

    def body(carry: Any, rows: Any) -> tuple[Any, None]:
        fixed, sums = carry
        after, new = gradient_sum(program, stored, trainable, fixed, rows)
        return (after, jax.tree.map(jnp.add, sums, new)), None

    zeros = (jnp.zeros((), float_type()), [jnp.zeros_like(value) for value in trainable])
    carry, _ = jax.lax.scan(body, (fixed, zeros), indices[: full * micro].reshape(full, micro))
    if rest:
        carry, _ = body(carry, indices[full * micro :])
    after, sums = carry
    return after, sums
