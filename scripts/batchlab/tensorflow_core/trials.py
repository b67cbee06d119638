"""Gradients of many trials in one compiled loop: the TensorFlow core's part of the probe `gradient_norms`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core import outer_products
from batchlab.tensorflow_core.gradients import gradient_sum

Trials = Callable[[NDArray[np.int32]], NDArray[np.float64]]

# Single gradients that are added in the model's precision before the sum is carried on in double precision.
_BLOCK = 500


def _gradients(model: Any, data: Resident, rows: Any) -> list[Any]:
    """Return the gradient summed over the examples `rows`, one tensor per variable."""
    inputs = data.inputs(tf.gather(data.x, rows))
    return gradient_sum(model, inputs, tf.gather(data.y, rows), training=False)[1]


def _zeros(model: Any) -> list[Any]:
    return [tf.zeros(variable.shape, float_type()) for variable in model.trainable_variables]


def _square(gradient: Any) -> Any:
    """Return the squared norm of one variable's gradient.

    That of a dense kernel is ‖hᵀ δ‖² = Σᵢⱼ (hᵢ·hⱼ)(δᵢ·δⱼ) over pairs of examples, which for few examples takes fewer
    operations than the gradient itself. Where the examples' gradients cancel, rounding may leave less than nothing.
    """
    pair = outer_products.factors(gradient)
    if pair:
        (examples, inputs), units = pair[0].shape, pair[1].shape[1]
        if examples * (inputs + units) < inputs * units:
            h_h, d_d = (tf.matmul(factor, factor, transpose_b=True) for factor in pair)
            return tf.maximum(tf.reduce_sum(h_h * d_d), 0.0)
    return tf.reduce_sum(tf.square(gradient))


def _squares(gradients: list[Any]) -> Any:
    """Return the squared norm of each variable's gradient, shape (variables,)."""
    return tf.stack([_square(gradient) for gradient in gradients])


def _over_trials(model: Any, trial: Callable[[Any], list[Any]], jit: bool) -> Trials:
    """Compile a loop over trials; `trial` turns a row of example numbers into a summed gradient."""

    @tf.function(jit_compile=jit, autograph=False)
    def run(rows: Any) -> Any:
        trials, size = rows.shape

        def body(number: Any, squares: Any) -> tuple[Any, Any]:
            row = tf.reshape(tf.slice(rows, [number, 0], [1, size]), [size])
            return number + 1, tf.tensor_scatter_nd_update(squares, [[number]], _squares(trial(row))[None])

        squares = tf.zeros((trials, len(model.trainable_variables)), float_type())
        return tf.while_loop(lambda number, _: number < trials, body, (tf.constant(0), squares))[1]

    return lambda rows: np.asarray(run(tf.constant(rows)), dtype=np.float64)


def fixed_weights(model: Any, data: Resident, jit: bool) -> Trials:
    """Compile the norm of a batch's summed gradient at the model's present weights.

    Args:
        model: The model.
        data: The resident data set.
        jit: Whether XLA compiles the loop.

    Returns:
        A function from the examples of each trial, shape (trials, batch size), to squared norms, shape
        (trials, variables); their sum over the variables is the whole gradient's.
    """
    return _over_trials(model, lambda batch: _gradients(model, data, batch), jit)


def same_samples(model: Any, data: Resident, jit: bool, size: int, learning_rate: float) -> Trials:
    """Compile the norm of the gradients summed along a path of plain SGD; every trial starts at the present weights.

    Args:
        model: The model; its weights are the same before and after.
        data: The resident data set.
        jit: Whether XLA compiles the loop.
        size: Examples of one step, a divisor of the samples in a trial.
        learning_rate: A step goes this factor along the negative mean gradient of its examples.

    Returns:
        A function from the examples of each trial in order of use, shape (trials, samples), to squared norms, shape
        (trials, variables).
    """
    variables = model.trainable_variables

    def trial(samples: Any) -> list[Any]:
        start = [tf.identity(variable.value) for variable in variables]

        def step(position: Any, *sums: Any) -> tuple[Any, ...]:
            gradients = _gradients(model, data, tf.slice(samples, [position], [size]))
            for variable, gradient in zip(variables, gradients, strict=True):
                variable.assign(variable - learning_rate / size * gradient)
            return position + size, *(total + new for total, new in zip(sums, gradients, strict=True))

        _, *sums = tf.while_loop(
            lambda position, *_: position < samples.shape[0], step, (tf.constant(0), *_zeros(model))
        )
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        return sums

    return _over_trials(model, trial, jit)


def moments(model: Any, data: Resident, jit: bool) -> Callable[[int], tuple[float, float]]:
    """Compile ‖G‖² and tr Σ of the single gradients at the model's present weights.

    The gradient of each example is computed by itself, not in a batch. G = Σ gᵢ / N, tr Σ = Σ ‖gᵢ‖² / N − ‖G‖².

    Returns:
        A function from the number of examples (the first of the training set) to ‖G‖² and tr Σ.
    """

    @tf.function(jit_compile=jit, autograph=False)
    def block(start: Any, stop: Any) -> tuple[Any, ...]:
        def body(number: Any, squares: Any, *sums: Any) -> tuple[Any, ...]:
            gradients = _gradients(model, data, tf.reshape(number, [1]))
            square = tf.reduce_sum(_squares(gradients))
            added = tf.tensor_scatter_nd_update(squares, [[number % _BLOCK]], [square])
            return number + 1, added, *(total + new for total, new in zip(sums, gradients, strict=True))

        initial = (start, tf.zeros((_BLOCK,), float_type()), *_zeros(model))
        return tf.while_loop(lambda number, *_: number < stop, body, initial)[1:]

    def run(examples: int) -> tuple[float, float]:
        squares = 0.0
        sums = [np.zeros(variable.shape) for variable in model.trainable_variables]
        for start in range(0, examples, _BLOCK):
            norms, *gradients = block(tf.constant(start), tf.constant(min(start + _BLOCK, examples)))
            squares += float(np.sum(norms.numpy(), dtype=np.float64))
            for total, gradient in zip(sums, gradients, strict=True):
                total += gradient.numpy()
        squared_norm = sum(float(np.sum((total / examples) ** 2)) for total in sums)
        return squared_norm, squares / examples - squared_norm

    return run
