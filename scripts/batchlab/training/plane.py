"""Directions in the space of weights: the two main ones of a path, and random ones scaled like the weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# What is smaller than this share of the largest square is rounding.
_ROUNDING = 1e-12


def main_directions(displacements: Vector) -> tuple[Vector, float]:
    """Return the two orthonormal directions in which displacements from one point extend most.

    They span the plane through that point that is nearest to all displaced points (least squares), found from the
    products of the displacements with each other, of which there are few.

    Args:
        displacements: Shape (points, weights), at least two points.

    Returns:
        The directions, shape (2, weights), each with the sign that makes the largest coordinate positive, the second
        zero where all displacements are parallel; and the share of Σ ‖displacement‖² that lies in the plane.
    """
    values, vectors = np.linalg.eigh(displacements @ displacements.T)
    two = values[::-1][:2]
    # Displacements along one line leave the second direction open.
    scale = np.where(two > _ROUNDING * two[0], 1 / np.sqrt(np.maximum(two, np.finfo(float).tiny)), 0.0)
    directions = (vectors[:, ::-1][:, :2] * scale).T @ displacements
    coordinates = displacements @ directions.T
    extreme = coordinates[np.abs(coordinates).argmax(axis=0), [0, 1]]
    return directions * np.where(extreme < 0, -1.0, 1.0)[:, None], float(two.sum() / values.sum())


def filter_normalised(weights: Sequence[NDArray[np.floating]], generator: np.random.Generator) -> Vector:
    """Return a random direction in which each unit has a part as long as its weights (Li et al. 2018).

    A unit's part is a column of a dense kernel or a filter of a convolution, the last axis of each kernel; scaling the
    weights of a unit scales its part. Biases and the parameters of normalisation, which have one axis, stay.

    Args:
        weights: One array for each trainable variable.
        generator: Draws the direction.

    Returns:
        The direction, all variables in one vector.
    """
    parts = []
    for values in weights:
        if values.ndim < 2:
            parts.append(np.zeros(values.size))
            continue
        drawn, axes = generator.standard_normal(values.shape), tuple(range(values.ndim - 1))
        scale = np.sqrt((values.astype(np.float64) ** 2).sum(axis=axes) / (drawn**2).sum(axis=axes))
        parts.append((drawn * scale).ravel())
    return np.concatenate(parts)


def grid(coordinates: Vector, points: int, margin: float = 0.15) -> tuple[Vector, Vector]:
    """Return evenly spaced values along both axes that reach around points of a plane.

    Args:
        coordinates: Shape (points, 2).
        points: Values along each axis.
        margin: How far they reach beyond the points, as a share of the extent of the longer axis.
    """
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    beyond = margin * float((high - low).max())
    x, y = (np.linspace(low[axis] - beyond, high[axis] + beyond, points) for axis in (0, 1))
    return x, y
