"""The largest eigenvalue of the Hessian of the training loss, from products of the Hessian with vectors (E22).

The Hessian is that of the mean loss over a subset of the training examples, in inference mode, with normalisation
statistics of the training set at the snapshot. No matrix is built: ARPACK's Lanczos iteration asks for products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from batchlab.backend.resident import Resident
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.training import state
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.loss_surface import LossSurface, Vector

# Vectors that the iteration keeps: enough that it seldom starts again, each as long as the weights.
_KEPT = 12


def largest_eigenvalue(
    product: Callable[[Vector], Vector], size: int, seed: int, tolerance: float
) -> tuple[float, int]:
    """Return the largest eigenvalue of a symmetric matrix, and how many products it took.

    Args:
        product: Returns the product of the matrix with a vector.
        size: Number of rows, at least 2.
        seed: Of the vector that the iteration starts with.
        tolerance: Relative accuracy.
    """
    taken = 0

    def counted(vector: Vector) -> Vector:
        nonlocal taken
        taken += 1
        return product(vector.ravel())

    matrix = LinearOperator((size, size), matvec=counted, dtype=np.float64)
    start = np.random.default_rng(seed).standard_normal(size)
    [value] = eigsh(matrix, k=1, which="LA", v0=start, tol=tolerance, ncv=min(size, _KEPT), return_eigenvectors=False)
    return float(value), taken


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Measure the largest eigenvalue for each seed.

    Args:
        run: The run of the snapshot.
        data: The resident data set.
        snapshots: The one at which curvature is measured.
        options: `examples`, `tolerance`.
    """
    [snapshot] = snapshots
    surface = LossSurface(FrozenModel(run.model, data), data, int(options["examples"]))
    rows: Rows = []
    for seed in run.seeds:
        surface.load(snapshot, seed)
        with surface.model.evaluation.population_statistics():
            loss, _ = surface.value_and_gradient(surface.origin)
            value, products = math.nan, 0
            if math.isfinite(loss):  # the run has not diverged
                value, products = largest_eigenvalue(
                    surface.hessian_product, surface.origin.size, seed, options["tolerance"]
                )
        rows.append(
            {
                "seed": seed,
                "loss": loss,
                "largest_eigenvalue": value,
                "stability": value * run.learning_rate,
                "products": products,
            }
        )
    return Measurement({"curvature": rows}, surface.model.facts)
