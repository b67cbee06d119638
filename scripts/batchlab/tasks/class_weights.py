"""How much the examples of each class, or the answers to each label, count in updates."""

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
    weights = _balanced(counts) if wanted == "balanced" else _named(wanted, arrays, classes)
    return weights * (len(labels) / _total(counts, weights))


def answer_weights(wanted: Wanted, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64] | None:
    """Return the weight of each answer to each label, no first, shape (2, labels); None where none are wanted.

    They are 1 on average over all answers of the training examples.

    Args:
        wanted: `balanced`, by which every answer to every label that occurs counts alike, or the weight of yes by the
            name of the label; that of no, and of yes to labels that are not named, is 1.
        arrays: A prepared data set.

    Raises:
        BatchlabError: There is no label of that name, or no training example counts.
    """
    if not wanted:
        return None
    flags, labels = arrays["y_train"], int(arrays["classes"])
    given = arrays.get("w_train", np.ones(len(flags)))
    yes = given @ flags
    counts = np.stack([given.sum() - yes, yes])
    if wanted == "balanced":
        weights = np.stack([_balanced(of_label) for of_label in counts.T], axis=1)
    else:
        weights = np.stack([np.ones(labels), _named(wanted, arrays, labels)])
    return weights * (flags.size / _total(counts, weights))


def _balanced(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights by which all that occurs counts alike: N / (C · Nᶜ)."""
    return np.divide(counts.sum(), len(counts) * counts, out=np.zeros(len(counts)), where=counts > 0)


def _total(counts: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = float((counts * weights).sum())
    if total <= 0:
        raise BatchlabError(
            "task.class_weights: no training example has a weight above 0; give one to a class of theirs"
        )
    return total


def _named(wanted: Any, arrays: Mapping[str, NDArray[Any]], classes: int) -> NDArray[np.float64]:
    names = [str(name) for name in arrays["names"]] if "names" in arrays else [str(place) for place in range(classes)]
    weights = np.ones(classes)
    for name, weight in wanted.items():
        if name not in names:
            raise unknown("task.class_weights", "class", name, names)
        weights[names.index(name)] = weight
    return weights
