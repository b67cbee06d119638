"""Loss and accuracy of replicas at fixed weights, with re-estimated statistics of batch normalisation.

The definitions are the TensorFlow core's: inference mode, losses of the data, statistics of the training set pooled
from large chunks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, jax
from batchlab.jax_core.functional import Values, cross_entropy, examples, forward, present_values
from batchlab.jax_core.vectorising import over_replicas
from batchlab.training import metrics
from batchlab.training.normalisation import CHUNK, batch_statistics, normalisation_layers, pool, population_chunks

jnp = jax.numpy


class Scores:
    """One compiled pass of all replicas over all examples, in inference mode.

    Args:
        model: The model.
        data: The resident data set.
        vectorise: Whether replicas are computed side by side.
        chunk: Examples that pass through the model together.
    """

    def __init__(self, model: Any, data: Resident, vectorise: bool, chunk: int = metrics.CHUNK) -> None:
        self._data = data
        self._chunks = metrics.chunks(sum(data.counts), chunk)

        def scores(trainable: Values, fixed: Values, data: Resident, chunks: Any) -> Any:
            def part(rows: Any) -> tuple[Any, Any]:
                inputs, labels = examples(data, rows)
                logits = forward(model, trainable, fixed, inputs, False)[0]
                return cross_entropy(labels, logits), jnp.argmax(logits, axis=-1) == labels

            return jax.lax.map(part, chunks)

        self._scores = jax.jit(over_replicas(scores, 2, vectorise))

    def __call__(self, trainable: Values, fixed: Values) -> list[dict[str, float]]:
        """Return the metrics of each replica from its values; every array has replicas on the leading axis."""
        losses, correct = map(np.asarray, self._scores(trainable, fixed, self._data, self._chunks))
        return [
            metrics.metrics(loss.ravel(), right.ravel(), self._data.counts)
            for loss, right in zip(losses, correct, strict=True)
        ]


class Population:
    """Statistics of every normalisation layer over the training set, at fixed weights; see `training.re_estimation`.

    Args:
        model: The model.
        data: The resident data set.
        vectorise: Whether replicas are computed side by side.
        chunk: Largest number of examples normalised together.
    """

    def __init__(self, model: Any, data: Resident, vectorise: bool, chunk: int = CHUNK) -> None:
        self._data = data
        layers = normalisation_layers(model)
        place = {id(variable): number for number, variable in enumerate(model.non_trainable_variables)}
        self._places = [(place[id(layer.moving_mean)], place[id(layer.moving_variance)]) for layer in layers]
        self._chunks = population_chunks(data.examples, chunk)

        def statistics(trainable: Values, fixed: Values, data: Resident, rows: Any) -> Any:
            with batch_statistics(layers):
                after = forward(model, trainable, fixed, examples(data, rows)[0], True)[1]
            return [(after[mean], after[variance]) for mean, variance in self._places]

        self._statistics = jax.jit(over_replicas(statistics, 2, vectorise))

    def __call__(self, trainable: Values, fixed: Values) -> Values:
        """Return `fixed` with the population's statistics in place of the running ones; axes as for `Scores`."""
        if not self._places:
            return fixed
        found = [
            [tuple(map(np.asarray, layer)) for layer in self._statistics(trainable, fixed, self._data, rows)]
            for rows in self._chunks
        ]
        counts = np.array([len(rows) for rows in self._chunks], dtype=np.float64)
        result = list(fixed)
        for number, (mean, variance) in enumerate(self._places):
            means, variances = (
                np.stack([chunk[number][part] for chunk in found]).astype(np.float64) for part in (0, 1)
            )
            pooled = pool(counts.reshape(-1, *[1] * (means.ndim - 1)), means, variances)
            result[mean], result[variance] = (jnp.asarray(values, float_type()) for values in pooled)
        return result


def _one_replica(model: Any) -> tuple[Values, Values]:
    """Return the model's present values as those of one replica."""
    trainable, fixed = present_values(model)
    return [value[None] for value in trainable], [value[None] for value in fixed]


class ReEstimation:
    """Population statistics in a Keras model's own variables, inside a `with` block.

    Args:
        model: The model.
        data: The resident data set.
        jit: Not used: everything is compiled.
    """

    def __init__(self, model: Any, data: Resident, jit: bool = True) -> None:
        self._model = model
        self._population = Population(model, data, vectorise=False)

    def __enter__(self) -> ReEstimation:
        """Put the population's statistics in place of the running ones."""
        self._kept = [variable.value for variable in self._model.non_trainable_variables]
        self._assign([value[0] for value in self._population(*_one_replica(self._model))])
        return self

    def __exit__(self, *problem: object) -> None:
        """Put the running statistics back."""
        self._assign(self._kept)

    def _assign(self, values: Values) -> None:
        for variable, value in zip(self._model.non_trainable_variables, values, strict=True):
            variable.assign(value)


class Evaluation:
    """Metrics of a Keras model with the values of its own variables.

    Args:
        model: The model.
        data: The resident data set.
        jit: Not used: everything is compiled.
    """

    def __init__(self, model: Any, data: Resident, jit: bool = True) -> None:
        self._model = model
        self._scores = Scores(model, data, vectorise=False)
        self.re_estimation = ReEstimation(model, data)

    def at_present(self) -> dict[str, float]:
        """Return every metric with the model's variables as they are."""
        return self._scores(*_one_replica(self._model))[0]

    def re_estimated(self) -> dict[str, float]:
        """Return the metrics with normalisation statistics taken over the training set, which do not stay."""
        with self.re_estimation:
            return self.at_present()
