"""Distances between weights, summed in double precision whatever the model's precision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def distance(
    weights: Mapping[str, NDArray[Any]], reference: Mapping[str, NDArray[Any]] | None, keys: Iterable[str]
) -> float:
    """Return the Euclidean distance over all given variables, from `reference` or from the origin.

    ‖w − w₀‖ = √(Σ (w − w₀)²), summed in double precision.
    """
    total = 0.0
    for key in keys:
        difference = weights[key].astype(np.float64)
        if reference is not None:
            difference = difference - reference[key]
        total += float(np.sum(difference**2))
    return math.sqrt(total)
