"""Sharpness: the largest loss within a box around the weights (E9, E10, E12).

Keskar et al. 2017 (arXiv 1609.04836) take φ = 100 (max f(x + A y) − f(x)) / (1 + f(x)) with |yᵢ| ≤ ε (|(A⁺x)ᵢ| + 1),
by 10 iterations of L-BFGS-B, for A = I and for a random A with 100 columns. The paper does not say how A is drawn; here
its entries are from the standard normal distribution.

For a network with ReLU or normalisation, dividing the weights of one layer and multiplying those of the next changes
nothing but this measure (Dinh et al. 2017, arXiv 1703.04933). The box |δᵢ| ≤ ε |wᵢ| is rescaled along with the weights,
so its sharpness stays: the adaptive sharpness of Kwon et al. 2021 (arXiv 2102.11600) in the maximum norm.

The loss is that of inference mode, with normalisation statistics of the training set at the snapshot, which stay.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.loss_surface import LossSurface, Vector

# Axes with a hundredth of the steepest slope are followed to the side in one step. In a trained network of 64-64 units,
# 10 iterations then find what 100 do within 1 %; with 1 for this number they find a tenth less of the rise.
_SIDES = 100
# Rows of a matrix that are in double precision at once.
_BLOCK = 50_000

ValueAndGradient = Callable[[Vector], tuple[float, Vector]]


def highest(function: ValueAndGradient, half: Vector, iterations: int) -> float:
    """Return the largest value of a function that L-BFGS-B finds in a box around zero.

    Variables are counted in half-widths of the box, and the function in units of a hundredth of its steepest slope, so
    that the first step reaches the sides along most axes: within a box as small as these the search would hardly begin
    to move otherwise, because L-BFGS-B takes its first step as long as the gradient, which vanishes at a minimum.

    Args:
        function: Returns value and gradient.
        half: Half of the box's width along each axis; where it is 0, the variable stays.
        iterations: At most so many iterations.
    """
    start, gradient = function(np.zeros_like(half))
    best = start
    unit = float(np.abs(gradient * half).max()) / _SIDES
    if unit == 0 or not math.isfinite(unit):  # flat, or a run that diverged
        return start

    def descending(place: Vector) -> tuple[float, Vector]:
        nonlocal best
        value, slope = function(place * half)
        best = max(best, value)
        return (start - value) / unit, -slope * half / unit

    minimize(
        descending,
        np.zeros_like(half),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-1.0, 1.0)] * half.size,
        # Both tests for an early end are off: all iterations are made.
        options={"maxiter": iterations, "ftol": 0.0, "gtol": 0.0},
    )
    return best


def subspace(seed: int, weights: int, directions: int) -> NDArray[Any]:
    """Return the matrix A of a random subspace, shape (weights, directions), the same for all replicas of a seed."""
    generator = np.random.default_rng([seed, zlib.crc32(b"sharpness")])
    return generator.standard_normal((weights, directions), dtype=np.float32).astype(float_type(), copy=False)


def within(function: ValueAndGradient, origin: Vector, basis: NDArray[Any]) -> ValueAndGradient:
    """Return a function of the weights as one of the coordinates in a subspace."""

    def of_coordinates(place: Vector) -> tuple[float, Vector]:
        value, gradient = function(origin + basis @ place.astype(basis.dtype))
        return value, np.asarray(gradient.astype(basis.dtype) @ basis, dtype=np.float64)

    return of_coordinates


def pseudo_inverse(basis: NDArray[Any], vector: Vector) -> Vector:
    """Return A⁺x of a matrix with few columns, from the normal equations in double precision."""
    columns = basis.shape[1]
    squares, products = np.zeros((columns, columns)), np.zeros(columns)
    for start in range(0, len(basis), _BLOCK):
        block = basis[start : start + _BLOCK].astype(np.float64)
        squares += block.T @ block
        products += block.T @ vector[start : start + _BLOCK]
    return np.asarray(np.linalg.solve(squares, products))


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Measure each of `measures` for each radius.

    Args:
        run: The run of the snapshot.
        data: The resident data set.
        snapshots: The one at which sharpness is measured.
        options: `measures`, `radii`, `relative_radii`, `directions`, `iterations`, `examples`.
    """
    [snapshot] = snapshots
    surface = LossSurface(FrozenModel(run.model, data), data, int(options["examples"]))
    rows: Rows = []
    for seed in run.seeds:
        surface.load(snapshot, seed)
        with surface.model.evaluation.population_statistics():
            loss, _ = surface.value_and_gradient(surface.origin)
            for name, radius, found in _maxima(surface, seed, options):
                rows.append(
                    {
                        "seed": seed,
                        "measure": name,
                        "radius": radius,
                        "loss": loss,
                        "highest": found,
                        "sharpness": 100 * (found - loss) / (1 + loss),
                    }
                )
    return Measurement({"sharpness": rows}, surface.model.facts)


def _maxima(surface: LossSurface, seed: int, options: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Yield measure, radius, and the largest loss in each box."""
    origin, iterations = surface.origin, int(options["iterations"])

    def around(step: Vector) -> tuple[float, Vector]:
        return surface.value_and_gradient(origin + step)

    for name in options["measures"]:
        function: ValueAndGradient = around
        scale = np.abs(origin)
        if name == "subspace":
            basis = subspace(seed, origin.size, int(options["directions"]))
            function, scale = within(surface.value_and_gradient, origin, basis), np.abs(pseudo_inverse(basis, origin))
        for radius in options["relative_radii" if name == "adaptive" else "radii"]:
            half = radius * (scale if name == "adaptive" else scale + 1)
            yield name, radius, highest(function, half, iterations)
