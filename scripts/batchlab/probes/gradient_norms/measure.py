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

from batchlab.backend import runtime
from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.probes.measuring import Measurement
from batchlab.training import core, state
from batchlab.training.order import trial_batches
from batchlab.training.row_files import Table
from batchlab.training.segment import trainable_keys

if runtime.NAME == "jax":
    from batchlab.jax_core.vectorised_trials import fixed_weights, moments, same_samples
else:
    from batchlab.tensorflow_core.trials import fixed_weights, moments, same_samples

METHODS = ("fixed_weights", "same_samples")

_NORMS = ("seed", "method", "batch_size", "trial", "norm")
_MOMENTS = ("seed", "examples", "squared_norm", "trace", "ratio")


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
    model = build_model(spec["model"], data.shape, data.classes)
    jit, facts = core.compilation(model)
    variables = state.variables_of(model)
    layers = [key.removeprefix("weights/") for key in trainable_keys(model)] if own.get("per_layer") else []
    re_estimation = core.ReEstimation(model, data, jit)
    compiled: dict[tuple[str, int], Callable[[NDArray[np.int32]], NDArray[np.float64]]] = {}
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
        facts,
    )
