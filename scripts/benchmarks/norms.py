"""Trials of gradient norms: the compiled probe beside a loop of eager `GradientTape` steps."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf
from batchlab.errors import BatchlabError
from batchlab.probes.gradient_norms import measure as gradient_norms
from batchlab.tensorflow_core.tapes import gradient_sum
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.order import trial_batches
from benchmarks.medians import medians

COLUMNS = ("method", "batch_size", "contender", "seed", "trials", "seconds_per_trial")
# Relative differences allowed between two norms of the same trial: of the median trial, and of any. In float64 the two
# ways agree to 3e-16, in float32 to 1e-7, except where rounding puts one pre-activation on the other side of a ReLU's
# kink: from there on the two paths see another gradient. Of paths of 512 steps (B = 2) one in six is 1.6e-3 apart so.
# A wrong gradient, step or batch shows in every trial.
MEDIAN_TOLERANCE, LARGEST_TOLERANCE = 1e-5, 0.05
SAMPLES, LEARNING_RATE = 1024, 0.04
# Of fewer trials the median could be one that crosses a kink.
CHECKED = 5

Rows = NDArray[np.int32]


def _gradients(model: Any, data: Resident, rows: Rows) -> list[Any]:
    return gradient_sum(model, data, rows, training=False)[1]


def _norm(gradients: Sequence[Any]) -> float:
    return float(tf.linalg.global_norm(gradients))


def eager_fixed_weights(model: Any, data: Resident, trials: Rows, size: int) -> list[float]:
    """Return the norm of the gradient summed over the `size` examples of each trial, one tape after the other."""
    return [_norm(_gradients(model, data, rows[:size])) for rows in trials]


def eager_same_samples(model: Any, data: Resident, trials: Rows, size: int) -> list[float]:
    """Return the norm of the gradients summed along each trial's path of SGD steps, one tape after the other."""
    start = [variable.numpy() for variable in model.trainable_variables]
    norms = []
    for rows in trials:
        sums = [tf.zeros_like(value) for value in start]
        for position in range(0, len(rows), size):
            gradients = _gradients(model, data, rows[position : position + size])
            sums = [total + new for total, new in zip(sums, gradients, strict=True)]
            for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
                variable.assign_sub(LEARNING_RATE / size * gradient)
        norms.append(_norm(sums))
        for variable, value in zip(model.trainable_variables, start, strict=True):
            variable.assign(value)
    return norms


def same_norms(case: str, compiled: Sequence[float], eager: Sequence[float]) -> None:
    """Raise unless both ways give the same norms, as far as float32 can tell."""
    differences = np.abs(np.divide(compiled, eager) - 1)
    middle, largest = float(np.median(differences)), float(np.max(differences))
    # Negated, so that a norm that is no number fails too.
    if not (middle <= MEDIAN_TOLERANCE and largest <= LARGEST_TOLERANCE):
        raise BatchlabError(
            f"benchmark: {case}: compiled and eager norms differ by {middle:.2g} (median trial) and {largest:.2g} "
            "(largest difference): not the same work, so no times are compared"
        )


def measure(
    model_spec: dict[str, Any], data: Resident, sizes: Sequence[int], trials: int, repeats: int
) -> list[dict[str, Any]]:
    """Time both ways for both methods, in turn.

    Args:
        model_spec: The model.
        data: The resident data set.
        sizes: Batch sizes, divisors of 1,024.
        trials: Trials of the compiled probe; the eager loop makes a tenth of them, at least one, and no fewer than
            `CHECKED` where norms are compared.
        repeats: Times each is timed, after one that is not counted.

    Returns:
        Rows with the columns `COLUMNS`; `seed` counts the repeats.

    Raises:
        BatchlabError: The two ways give different norms for the same trials.
    """
    frozen = FrozenModel(model_spec, data)
    model, replicas, variables = frozen.model, frozen.replicas, len(frozen.trainable)
    at_fixed_weights = gradient_norms.fixed_weights(replicas, variables)
    rows: list[dict[str, Any]] = []
    for method in ("fixed_weights", "same_samples"):
        for size in sizes:
            fixed = method == "fixed_weights"
            path = gradient_norms.same_samples(replicas, variables, size, LEARNING_RATE)
            compiled = at_fixed_weights if fixed else path
            eager = functools.partial(eager_fixed_weights if fixed else eager_same_samples, model, data, size=size)
            batches = trial_batches(0, method, size, trials, size if fixed else SAMPLES, data.examples)
            few, checked = batches[: max(1, trials // 10)], batches[: max(CHECKED, trials // 10)]
            ways: dict[str, tuple[Callable[[Rows], Any], Rows]] = {
                "batchlab": (compiled, batches),
                "eager_tape": (eager, few),
            }
            same_norms(f"{method}, B = {size}", np.sqrt(compiled(batches).sum(axis=1))[: len(checked)], eager(checked))
            for repeat in range(repeats):
                for name, (run, chosen) in ways.items():
                    clock = time.perf_counter()
                    run(chosen)
                    seconds = (time.perf_counter() - clock) / len(chosen)
                    rows.append(
                        {
                            "method": method,
                            "batch_size": size,
                            "contender": name,
                            "seed": repeat,
                            "trials": len(chosen),
                            "seconds_per_trial": seconds,
                        }
                    )
    return rows


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each method and batch size the medians and how many times longer than ours the eager loop takes."""
    found = {
        (row["method"], row["batch_size"], row["contender"]): row["seconds_per_trial"]
        for row in medians(rows, ("method", "batch_size", "contender"), "seconds_per_trial")
    }
    cases = dict.fromkeys((method, size) for method, size, _ in found)
    return [
        {
            "method": method,
            "batch_size": size,
            "batchlab_ms": 1e3 * found[method, size, "batchlab"],
            "eager_tape_ms": 1e3 * found[method, size, "eager_tape"],
            "ratio": found[method, size, "eager_tape"] / found[method, size, "batchlab"],
        }
        for method, size in cases
    ]
