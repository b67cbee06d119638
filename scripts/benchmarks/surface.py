"""Cosines of single gradients, largest eigenvalue of the Hessian, sharpness: compiled probes beside eager loops.

A loop does what a plain script would: one `GradientTape` for each example, a tape within a tape for each product with
the Hessian, weights assigned for each loss of the search. Search and iteration are SciPy's on both sides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf
from batchlab.errors import BatchlabError
from batchlab.probes.curvature.measure import largest_eigenvalue
from batchlab.probes.gradient_products import cosines
from batchlab.probes.sharpness.measure import highest
from batchlab.tensorflow_core.tapes import gradient_sum, loss_sum
from batchlab.training import core, segment
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.loss_surface import LossSurface, subset
from benchmarks.medians import medians

COLUMNS = ("what", "contender", "seed", "seconds")
# Largest relative difference of the results, in float32 and after so many iterations of a search.
TOLERANCES = {"cosines": 1e-3, "largest eigenvalue": 1e-2, "sharpness": 1e-2}
SEED, RADIUS, ITERATIONS, TOLERANCE = 0, 0.001, 5, 0.05

Vector = NDArray[np.float64]


def _joined(parts: Sequence[Any]) -> Vector:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


class Loop:
    """The eager way.

    Args:
        model: Keras model at the weights in question.
        data: The resident data set.
        rows: Parts of the examples over which losses are means.
    """

    def __init__(self, model: Any, data: Resident, rows: Sequence[NDArray[np.int32]]) -> None:
        self._model, self._data, self._rows = model, data, rows
        self._total = sum(map(len, rows))
        self._shapes = [tuple(variable.shape) for variable in model.trainable_variables]
        self.origin = _joined([variable.numpy() for variable in model.trainable_variables])

    def _parts(self, vector: Vector) -> list[NDArray[np.float32]]:
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])[:-1]
        return [
            part.reshape(shape).astype(np.float32)
            for part, shape in zip(np.split(vector, ends), self._shapes, strict=True)
        ]

    def _assign(self, vector: Vector) -> None:
        for variable, part in zip(self._model.trainable_variables, self._parts(vector), strict=True):
            variable.assign(part)

    def single_products(self, rows: NDArray[np.int32]) -> Vector:
        """Return the inner products of the gradients of single examples, one tape after the other."""
        gradients = [
            _joined(gradient_sum(self._model, self._data, rows[place : place + 1], training=False)[1])
            for place in range(len(rows))
        ]
        matrix = np.stack(gradients)
        return np.asarray(matrix @ matrix.T)

    def value_and_gradient(self, vector: Vector) -> tuple[float, Vector]:
        """Return the mean loss at weights, and its gradient."""
        self._assign(vector)
        found = [gradient_sum(self._model, self._data, rows, training=False) for rows in self._rows]
        gradient = sum(_joined(parts) for _, parts in found)
        return float(sum(float(loss) for loss, _ in found)) / self._total, np.asarray(gradient) / self._total

    def hessian_product(self, direction: Vector) -> Vector:
        """Return the product of the Hessian of the mean loss with a direction, by a tape within a tape."""
        variables, parts = self._model.trainable_variables, self._parts(direction)
        total = np.zeros_like(direction)
        for rows in self._rows:
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    loss = loss_sum(self._model, self._data, rows, training=False)
                gradients = inner.gradient(loss, [variable.value for variable in variables])
                along = tf.add_n([tf.reduce_sum(one * other) for one, other in zip(gradients, parts, strict=True)])
            total += _joined(outer.gradient(along, [variable.value for variable in variables]))
        return total / self._total

    def restore(self) -> None:
        """Go back to the weights of the start."""
        self._assign(self.origin)


def _ways(
    model_spec: dict[str, Any], data: Resident, examples: int, singles: int
) -> dict[str, dict[str, Callable[[], Any]]]:
    """Return what is measured → contender → a function that does it once and returns its result."""
    frozen = FrozenModel(model_spec, data)
    surface = LossSurface(frozen, data, examples)
    surface.load(segment.initialise({"model": model_spec, "seeds": [SEED]}, data).snapshot, SEED)
    loop = Loop(frozen.model, data, subset(SEED, examples, data.examples))
    few = np.arange(min(singles, data.examples), dtype=np.int32)
    products, half = core.inner_products(frozen.replicas), RADIUS * (np.abs(surface.origin) + 1)

    def sharpness(of: Callable[[Vector], tuple[float, Vector]]) -> float:
        found = highest(lambda step: of(surface.origin + step), half, ITERATIONS)
        loop.restore()
        return found

    def eigenvalue(product: Callable[[Vector], Vector]) -> float:
        return largest_eigenvalue(product, surface.origin.size, SEED, TOLERANCE)[0]

    return {
        "cosines": {
            "batchlab": lambda: cosines(products(few)),
            "eager_tape": lambda: cosines(loop.single_products(few)),
        },
        "largest eigenvalue": {
            "batchlab": lambda: eigenvalue(surface.hessian_product),
            "eager_tape": lambda: eigenvalue(loop.hessian_product),
        },
        "sharpness": {
            "batchlab": lambda: sharpness(surface.value_and_gradient),
            "eager_tape": lambda: sharpness(loop.value_and_gradient),
        },
    }


def same(what: str, ours: Any, theirs: Any) -> None:
    """Raise unless both ways come to the same result, as far as float32 can tell."""
    scale = float(np.max(np.abs(theirs)))
    apart = float(np.max(np.abs(np.subtract(ours, theirs)))) / scale
    if not apart <= TOLERANCES[what]:
        raise BatchlabError(
            f"benchmark: {what}: compiled and eager results differ by {apart:.2g}: not the same work, so no times are "
            "compared"
        )


def measure(
    model_spec: dict[str, Any], data: Resident, repeats: int, examples: int = 1000, singles: int = 256
) -> list[dict[str, Any]]:
    """Time both ways of each measurement, in turn.

    Args:
        model_spec: The model, at initial weights.
        data: The resident data set.
        repeats: Times each is timed, after one that is not counted.
        examples: Over which losses are means.
        singles: Examples whose gradients are compared with each other.

    Returns:
        Rows with the columns `COLUMNS`; `seed` counts the repeats.

    Raises:
        BatchlabError: The two ways give different results.
    """
    rows: list[dict[str, Any]] = []
    for what, ways in _ways(model_spec, data, examples, singles).items():
        same(what, *(run() for run in ways.values()))
        for repeat in range(repeats):
            for name, run in ways.items():
                clock = time.perf_counter()
                run()
                rows.append({"what": what, "contender": name, "seed": repeat, "seconds": time.perf_counter() - clock})
    return rows


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each measurement the medians and how many times longer than ours the eager loop takes."""
    found = {(row["what"], row["contender"]): row["seconds"] for row in medians(rows, ("what", "contender"), "seconds")}
    return [
        {
            "what": what,
            "batchlab_ms": 1e3 * found[what, "batchlab"],
            "eager_tape_ms": 1e3 * found[what, "eager_tape"],
            "ratio": found[what, "eager_tape"] / found[what, "batchlab"],
        }
        for what in dict.fromkeys(what for what, _ in found)
    ]
