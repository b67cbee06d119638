"""How much the examples of each class count in updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.errors import BatchlabError, unknown

Wanted = str | Mapping[str, float] | None


def class_weights(wanted: Wanted, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64] | None:
    """Return the weight of each class, on average 1 over the training examples; None where none are wanted.

    Args:
        wanted: `balanced`, by which all classes count alike (N / (C · Nᶜ), N the sum of the examples' weights), or
            weights by the name of the class; those of classes that are not named are 1.
        arrays: A prepared data set.

    Raises:
        BatchlabError: There is no class of that name, or no training example counts.
    """
    if not wanted:
        return None
    labels, classes = arrays["y_train"], int(arrays["classes"])
    counts = np.bincount(labels, arrays.get("w_train"), minlength=classes).astype(np.float64)
    if wanted == "balanced":
        weights = np.divide(counts.sum(), classes * counts, out=np.zeros(classes), where=counts > 0)
    else:
        weights = _named(wanted, arrays, classes)
    total = float((counts * weights).sum())
    if total <= 0:
        raise BatchlabError(
            "task.class_weights: no training example has a weight above 0; give one to a class of theirs"
        )
    found: NDArray[np.float64] = weights * (len(labels) / total)
    return found


def _named(wanted: Any, arrays: Mapping[str, NDArray[Any]], classes: int) -> NDArray[np.float64]:
    names = [str(name) for name in arrays["names"]] if "names" in arrays else [str(place) for place in range(classes)]
    weights = np.ones(classes)
    for name, weight in wanted.items():
        if name not in names:
            raise unknown("task.class_weights", "class", name, names)
        weights[names.index(name)] = weight
    return weights
