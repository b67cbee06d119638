"""Metrics at fixed weights on the three splits, with statistics of batch normalisation taken over the training set.

Running statistics follow the weights with a delay that grows with the batch size (momentum 0.99 remembers 86 % of
its initial value after 15 updates), which looks like a generalisation gap and is none. So a model is evaluated with
statistics taken over the whole training set at its present weights.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.training.core import Replicas
from batchlab.training.metrics import CHUNK, chunks, metrics
from batchlab.training.normalisation import (
    POPULATION_CHUNK,
    batch_statistics,
    normalisation_layers,
    pool,
    population_chunks,
)
from batchlab.training.order import trial_batches


def _looked_at(counts: Sequence[int], subset: int | None) -> tuple[NDArray[np.int32], list[int]]:
    """Return the examples of all splits that are looked at, split by split, and how many each has of them."""
    taken = [count if subset is None else min(subset, count) for count in counts]
    rows, first = [], 0
    for count, size in zip(counts, taken, strict=True):
        drawn = trial_batches(0, "evaluation", subset or 0, 1, size, count)[0] if size < count else np.arange(count)
        rows.append(first + np.sort(drawn))
        first += count
    return np.concatenate(rows).astype(np.int32), taken


class Evaluation:
    """Evaluates replicas in inference mode.

    Losses are the data's: no penalties of layers.

    Args:
        replicas: The replicas.
        model: Their model.
        data: The resident data set.
        chunk: Examples that pass through the model together.
        population_chunk: Largest number of examples that are normalised together while statistics are taken.
        subset: How many examples of each split are looked at, always the same; None for all.
    """

    def __init__(
        self,
        replicas: Replicas,
        model: Any,
        data: Resident,
        chunk: int = CHUNK,
        population_chunk: int = POPULATION_CHUNK,
        subset: int | None = None,
    ) -> None:
        self._replicas, self._data = replicas, data
        rows, self._counts = _looked_at(data.counts, subset)
        self._scores = replicas.scores(rows[chunks(len(rows), chunk)])
        self._targets = keras.ops.convert_to_numpy(data.y)[rows]
        self._weights = None if data.weights is None else keras.ops.convert_to_numpy(data.weights)[rows]
        layers = normalisation_layers(model)
        place = {id(variable): number for number, variable in enumerate(model.non_trainable_variables)}
        self._places = [(place[id(layer.moving_mean)], place[id(layer.moving_variance)]) for layer in layers]
        self._parts = population_chunks(data.examples, population_chunk)
        self._after = replicas.after_forward(functools.partial(batch_statistics, layers))

    @property
    def normalises(self) -> bool:
        """Whether the model has batch normalisation."""
        return bool(self._places)

    def statistics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the first replica's means and variances of all normalisation layers, each in one vector."""
        values = self._replicas.non_trainable()
        means, variances = (
            np.concatenate([np.asarray(values[place][0], dtype=np.float64) for place in places])
            for places in zip(*self._places, strict=True)
        )
        return means, variances

    def at_present(self) -> list[dict[str, float]]:
        """Return every metric of each replica with its variables as they are."""
        task = self._data.task
        return [metrics(task, values, self._counts, self._targets, self._weights) for values in self._scores()]

    def re_estimated(self) -> list[dict[str, float]]:
        """Return the metrics with normalisation statistics of the training set; the running ones stay as they are.

        Without normalisation layers this is `at_present`.
        """
        with self.population_statistics():
            return self.at_present()

    @contextlib.contextmanager
    def population_statistics(self) -> Iterator[None]:
        """Put statistics over the training set in place of the running ones inside a `with` block.

        The training set passes through the model in chunks of equal size (up to one example), in training mode; each
        chunk's mean and variance are pooled exactly by their counts: M = Σ nᶜ mᶜ / N and
        V = Σ nᶜ (vᶜ + (mᶜ − M)²) / N. For the first layer, and for all of them when one chunk holds the training set,
        that is the population's mean and variance; deeper layers see inputs that were normalised chunk by chunk.
        """
        if not self._places:
            yield
            return
        kept = self._replicas.non_trainable()
        found = [self._after(rows) for rows in self._parts]
        counts = np.array([len(rows) for rows in self._parts], dtype=np.float64)
        values = list(kept)
        for mean, variance in self._places:
            means, variances = (
                np.stack([chunk[place] for chunk in found]).astype(np.float64) for place in (mean, variance)
            )
            weights = counts.reshape(-1, *[1] * (means.ndim - 1))
            values[mean], values[variance] = pool(weights, means, variances)
        self._replicas.assign_non_trainable(values)
        try:
            yield
        finally:
            # Training mode also advances random states: everything that is not trained is put back.
            self._replicas.assign_non_trainable(kept)
