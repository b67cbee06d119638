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
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training.core import Landscape, Replicas, over_rows, single_gradients
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.order import trial_batches
from batchlab.training.state import Snapshot

# From the examples of each trial, shape (trials, examples), to squared norms, shape (trials, trainable variables).
Trials = Callable[[NDArray[np.int32]], NDArray[np.float64]]

# Gradients of single examples that are summed in the model's precision before the sum goes on in double precision.
_BLOCK = 500


def fixed_weights(replicas: Replicas, variables: int) -> Trials:
    """Compile the squared norms of a batch's summed gradient at the present weights.

    Args:
        replicas: One replica of a model.
        variables: Number of its trainable variables.
    """

    def trial(at: Landscape, row: Any) -> Any:
        return at.squared_norms(at.gradient(row))

    return over_rows(replicas, trial, variables)


def same_samples(replicas: Replicas, variables: int, size: int, learning_rate: float) -> Trials:
    """Compile the squared norms of the gradients summed along a path of plain SGD from the present weights.

    Args:
        replicas: One replica of a model.
        variables: Number of its trainable variables.
        size: Examples of one step, a divisor of the samples in a trial.
        learning_rate: A step goes this factor along the negative mean gradient of its examples.
    """

    def trial(at: Landscape, row: Any) -> Any:
        return at.squared_norms(at.sum_along_sgd(row, size, learning_rate))

    return over_rows(replicas, trial, variables)


def moments(replicas: Replicas, examples: int) -> Callable[[], tuple[float, float]]:
    """Compile ‖G‖² and tr Σ of the gradients of single examples at the present weights.

    Each gradient is computed by itself, not in a batch. G = Σ gᵢ / N, tr Σ = Σ ‖gᵢ‖² / N − ‖G‖².

    Args:
        replicas: One replica of a model.
        examples: N, the size of the training set.
    """
    block = single_gradients(replicas)

    def run() -> tuple[float, float]:
        squares = 0.0
        sums: list[NDArray[np.float64]] = []
        for start in range(0, examples, _BLOCK):
            norms, gradients = block(start, min(start + _BLOCK, examples))
            squares += float(norms.astype(np.float64).sum())
            exact = [gradient.astype(np.float64) for gradient in gradients]
            sums = [total + new for total, new in zip(sums, exact, strict=True)] if sums else exact
        squared_norm = sum(float(np.sum((total / examples) ** 2)) for total in sums)
        return squared_norm, squares / examples - squared_norm

    return run


def measure(run: Run, data: Resident, snapshots: tuple[Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Measure norms of summed gradients over many trials, and the moments of single gradients.

    Args:
        run: Its learning rate is that of the path's steps.
        data: The resident data set.
        snapshots: The one at which everything is measured.
        options: `methods`, `batch_sizes`, `trials`, `samples`, and `per_layer` for a column of norms for each variable.
    """
    [snapshot] = snapshots
    model = FrozenModel(run.model, data)
    variables, samples, trials = len(model.trainable), int(options["samples"]), int(options["trials"])
    layers = [key.removeprefix("weights/") for key in model.trainable] if options["per_layer"] else []
    at_fixed_weights = fixed_weights(model.replicas, variables)
    # A path of one step is a batch at fixed weights.
    paths = {
        size: at_fixed_weights if size == samples else same_samples(model.replicas, variables, size, run.learning_rate)
        for size in options["batch_sizes"]
    }
    moments_of = moments(model.replicas, data.examples)
    norm_rows: Rows = []
    moment_rows: Rows = []
    for seed in run.seeds:
        model.load(snapshot, seed)
        with model.evaluation.population_statistics():
            squared_norm, trace = moments_of()
            for method in options["methods"]:
                for size in options["batch_sizes"]:
                    fixed = method == "fixed_weights"
                    drawn = size if fixed else samples
                    rows = trial_batches(seed, method, size, trials, drawn, data.examples)
                    for trial, squares in enumerate((at_fixed_weights if fixed else paths[size])(rows)):
                        parts = zip(layers, np.sqrt(squares), strict=False)
                        norm_rows.append(
                            {
                                "seed": seed,
                                "method": method,
                                "batch_size": size,
                                "trial": trial,
                                "norm": float(np.sqrt(squares.sum())),
                                **{f"norm_{layer}": float(norm) for layer, norm in parts},
                            }
                        )
        moment_rows.append(
            {
                "seed": seed,
                "examples": data.examples,
                "squared_norm": squared_norm,
                "trace": trace,
                "ratio": trace / squared_norm if squared_norm else math.inf,
            }
        )
    return Measurement({"gradient_norms": norm_rows, "gradient_moments": moment_rows}, model.facts)
