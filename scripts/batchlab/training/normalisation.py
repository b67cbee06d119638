"""Batch normalisation layers of any model, and the pooling of statistics of parts of the training set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import keras
from batchlab.models.parts.ghost_normalisation import GhostBatchNormalization

# Examples normalised together while statistics are re-estimated: large, so that deep layers see almost the population.
POPULATION_CHUNK = 4096


@contextlib.contextmanager
def _changed(layer: Any, attribute: str, value: Any) -> Iterator[None]:
    """Change one attribute of a layer inside the block."""
    kept = getattr(layer, attribute)
    setattr(layer, attribute, value)
    try:
        yield
    finally:
        setattr(layer, attribute, kept)


def _layers(layer: Any) -> Iterator[Any]:
    """Yield every layer inside `layer`, whether it is listed, wrapped or an attribute of a custom layer."""
    seen: set[int] = set()
    queue = [layer]
    while queue:
        current = queue.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        queue.extend(getattr(current, "layers", ()))
        queue.extend(value for value in vars(current).values() if isinstance(value, keras.layers.Layer))


def normalisation_layers(model: Any) -> list[Any]:
    """Return the model's batch normalisation layers that keep moving statistics, each once, in order."""
    return [layer for layer in _layers(model) if isinstance(layer, keras.layers.BatchNormalization)]


@contextlib.contextmanager
def batch_statistics(layers: list[Any]) -> Iterator[None]:
    """Let normalisation layers keep the mean and variance of the latest whole batch as moving statistics."""
    with contextlib.ExitStack() as settings:
        for layer in layers:
            settings.enter_context(_changed(layer, "momentum", 0.0))
            if isinstance(layer, GhostBatchNormalization):
                settings.enter_context(_changed(layer, "ghost_batch", None))
        yield


def population_chunks(examples: int, chunk: int = POPULATION_CHUNK) -> list[NDArray[np.int32]]:
    """Cut the training set into chunks of at most `chunk` examples and equal size (up to one example)."""
    return np.array_split(np.arange(examples, dtype=np.int32), -(-examples // chunk))


def pool(counts: NDArray[Any], means: NDArray[Any], variances: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean and variance of the union of groups.

    Args:
        counts: Number of examples of each group, shape (groups, 1, …) with as many axes as `means`.
        means: Mean of each group, shape (groups, …, features).
        variances: Variance (divided by the count) of each group, shape (groups, …, features).
    """
    weights = counts / counts.sum()
    mean = (weights * means).sum(axis=0)
    return mean, (weights * (variances + (means - mean) ** 2)).sum(axis=0)
