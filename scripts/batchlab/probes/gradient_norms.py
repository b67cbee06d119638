"""Norms of summed gradients, in the two readings of the phrase (E4a, E4b), and the moments that predict the first.

`fixed_weights`: batches of i examples are drawn without replacement at the snapshot's weights; the norm is ‖Σ ∇ℓ‖ over
one batch. Its mean square has a closed form, i² ‖G‖² + i (N − i)/(N − 1) tr Σ, with the mean gradient G and the
covariance Σ of single gradients over the N training examples.

`same_samples`: from the snapshot, samples/i sequential steps of plain SGD use up `samples` examples in batches of i,
and the gradients are summed along the path. For i = `samples` both are the same quantity.

The gradients are those of the function that is evaluated: the model runs in inference mode, with normalisation
statistics taken over the training set at the snapshot, and without dropout. Only then has every example a gradient of
its own that does not depend on the rest of its batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab import models
from batchlab.errors import BatchlabError
from batchlab.probes import Measurement
from batchlab.training import state
from batchlab.training.backend import device, float_type, jit_rule, tf
from batchlab.training.normalisation import ReEstimation
from batchlab.training.order import trial_batches
from batchlab.training.resident import Resident
from batchlab.training.segment import trainable_keys
from batchlab.training.tables import Table
from batchlab.training.updates import gradient_sum

METHODS = ("fixed_weights", "same_samples")

Trials = Callable[[NDArray[np.int32]], NDArray[np.float64]]

_NORMS = ("seed", "method", "batch_size", "trial", "norm")
_MOMENTS = ("seed", "examples", "squared_norm", "trace", "ratio")

# Single gradients that are added in the model's precision before the sum is carried on in double precision.
_BLOCK = 500


def _gradients(model: Any, data: Resident, rows: Any) -> list[Any]:
    """Return the gradient summed over the examples `rows`, one tensor per variable."""
    inputs = data.inputs(tf.gather(data.x, rows))
    return gradient_sum(model, inputs, tf.gather(data.y, rows), training=False)[1]


def _zeros(model: Any) -> list[Any]:
    return [tf.zeros(variable.shape, float_type()) for variable in model.trainable_variables]


def _squares(gradients: list[Any]) -> Any:
    """Return the squared norm of each variable's gradient, shape (variables,)."""
    return tf.stack([tf.reduce_sum(tf.square(gradient)) for gradient in gradients])


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


def _check(own: dict[str, Any], samples: int, examples: int) -> None:
    """Explain settings that the data set or the samples do not allow."""
    unknown = sorted(set(own["methods"]) - set(METHODS))
    if unknown:
        raise BatchlabError(f"probe gradient_norms: unknown method {unknown[0]!r}; choose of {', '.join(METHODS)}")
    sizes = own["batch_sizes"]
    if "fixed_weights" in own["methods"] and max(sizes) > examples:
        raise BatchlabError(
            f"probe gradient_norms: batch_sizes: {max(sizes)} exceeds the {examples} training examples; remove it"
        )
    if "same_samples" in own["methods"]:
        if samples > examples:
            raise BatchlabError(
                f"probe gradient_norms: samples: {samples} exceeds the {examples} training examples; choose fewer"
            )
        wrong = [size for size in sizes if samples % size]
        if wrong:
            raise BatchlabError(
                f"probe gradient_norms: batch_sizes: {wrong[0]} does not divide samples: {samples}; choose divisors"
            )


def measure(spec: dict[str, Any], data: Resident, snapshot: state.Snapshot) -> Measurement:
    """Measure norms of summed gradients over many trials, and the moments of single gradients.

    Args:
        spec: `learning_rate` is that of the path's steps; `probe` holds `methods`, `batch_sizes`, `trials`, `samples`,
            and optionally `per_layer` (a column of norms for each variable) and `moment_examples` (the moments' first
            so many training examples instead of all).
        data: The resident data set.
        snapshot: Where everything is measured.
    """
    own = {"methods": list(METHODS), "batch_sizes": [2**k for k in range(1, 11)], "trials": 1000, **spec["probe"]}
    samples = int(own.get("samples", 1024))
    _check(own, samples, data.examples)
    model = models.build(spec["model"], data.shape, data.classes)
    jit, reason = jit_rule(model, device())
    variables = state.variables_of(model)
    layers = [key.removeprefix("weights/") for key in trainable_keys(model)] if own.get("per_layer") else []
    re_estimation = ReEstimation(model, data, jit)
    compiled: dict[tuple[str, int], Trials] = {}
    at_fixed_weights = fixed_weights(model, data, jit)
    for size in own["batch_sizes"]:
        compiled["fixed_weights", size] = at_fixed_weights
        # A path of one step is a batch at fixed weights.
        one_step = size == samples
        path = at_fixed_weights if one_step else same_samples(model, data, jit, size, float(spec["learning_rate"]))
        compiled["same_samples", size] = path
    moments_of = moments(model, data, jit)
    examples = min(int(own.get("moment_examples") or data.examples), data.examples)
    norm_rows: list[dict[str, Any]] = []
    moment_rows: list[dict[str, Any]] = []
    for seed in spec["seeds"]:
        snapshot.load(seed, variables)
        with re_estimation:
            squared_norm, trace = moments_of(examples)
            for method in own["methods"]:
                for size in own["batch_sizes"]:
                    drawn = size if method == "fixed_weights" else samples
                    rows = trial_batches(seed, method, size, int(own["trials"]), drawn, data.examples)
                    for trial, squares in enumerate(compiled[method, size](rows)):
                        row = {"seed": seed, "method": method, "batch_size": size, "trial": trial}
                        norms = np.sqrt(squares)
                        parts = {f"norm_{layer}": float(norm) for layer, norm in zip(layers, norms, strict=False)}
                        norm_rows.append({**row, "norm": float(np.sqrt(squares.sum())), **parts})
        moment_rows.append(
            {
                "seed": seed,
                "examples": examples,
                "squared_norm": squared_norm,
                "trace": trace,
                "ratio": trace / squared_norm if squared_norm else math.inf,
            }
        )
    columns = (*_NORMS, *(f"norm_{layer}" for layer in layers))
    return Measurement(
        {"gradient_norms": Table(columns, norm_rows), "gradient_moments": Table(_MOMENTS, moment_rows)},
        {"jit": jit, "jit_reason": reason},
    )
