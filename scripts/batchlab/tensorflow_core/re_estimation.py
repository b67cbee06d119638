"""Statistics of batch normalisation re-estimated for evaluation.

Running statistics follow the weights with a delay that grows with the batch size (momentum 0.99 remembers 86 % of
its initial value after 15 updates), which looks like a generalisation gap and is none. So a model is evaluated with
statistics taken over the whole training set at its present weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf
from batchlab.training.normalisation import CHUNK, batch_statistics, normalisation_layers, pool, population_chunks


class ReEstimation:
    """Population statistics of every normalisation layer at fixed weights.

    The training set passes through the model in chunks of equal size (up to one example), in training mode; each
    chunk's mean and variance are pooled exactly by their counts: M = Σ nᶜ mᶜ / N and
    V = Σ nᶜ (vᶜ + (mᶜ − M)²) / N. For the first layer, and for all of them when one chunk holds the training set,
    that is the population's mean and variance; deeper layers see inputs that were normalised chunk by chunk.

    Args:
        model: The model; inside a `with` block its moving statistics are the population's, after it the running ones.
        data: The resident data set.
        jit: Whether XLA compiles the pass.
        chunk: Largest number of examples normalised together.
    """

    def __init__(self, model: Any, data: Resident, jit: bool, chunk: int = CHUNK) -> None:
        self._model = model
        self._layers = normalisation_layers(model)
        self._chunks = population_chunks(data.examples, chunk) if self._layers else []

        @tf.function(jit_compile=jit, autograph=False)
        def moments(indices: Any) -> None:
            with batch_statistics(self._layers):
                model(data.inputs(tf.gather(data.x, indices)), training=True)

        self._moments = moments

    def __enter__(self) -> ReEstimation:
        """Put the population's statistics in place of the running ones."""
        # Training mode also advances random states: everything that is not trained is put back afterwards.
        self._kept = [(variable, variable.numpy()) for variable in self._model.non_trainable_variables]
        if not self._layers:
            return self
        means: list[list[NDArray[Any]]] = []
        variances: list[list[NDArray[Any]]] = []
        for indices in self._chunks:
            self._moments(tf.constant(indices))
            means.append([np.asarray(layer.moving_mean, dtype=np.float64) for layer in self._layers])
            variances.append([np.asarray(layer.moving_variance, dtype=np.float64) for layer in self._layers])
        self._restore()
        counts = np.array([len(indices) for indices in self._chunks], dtype=np.float64)[:, None]
        for number, layer in enumerate(self._layers):
            mean, variance = pool(
                counts, np.stack([row[number] for row in means]), np.stack([row[number] for row in variances])
            )
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)
        return self

    def __exit__(self, *problem: object) -> None:
        """Put the running statistics back."""
        self._restore()

    def _restore(self) -> None:
        for variable, value in self._kept:
            variable.assign(value)
