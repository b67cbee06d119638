"""Batch normalisation: the ghost variant, and statistics re-estimated for evaluation.

Running statistics follow the weights with a delay that grows with the batch size (momentum 0.99 remembers 86 % of
its initial value after 15 updates), which looks like a generalisation gap and is none. So a model is evaluated with
statistics taken over the whole training set at its present weights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.training.backend import keras, tf
from batchlab.training.resident import Resident

# Examples normalised together while statistics are re-estimated: large, so that deep layers see almost the population.
CHUNK = 4096


@keras.saving.register_keras_serializable(package="batchlab")
class GhostBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over consecutive groups of the batch (Hoffer et al. 2017, algorithm 1).

    Each group of `ghost_batch` examples is normalised by its own mean and variance; a last, smaller group takes what
    remains. The moving statistics take the groups one after the other, m ← μ·m + (1 − μ)·mean of the group, exactly
    as accumulation over micro-batches of that size would.

    Args:
        ghost_batch: Examples in a group; None for plain batch normalisation.
        **kwargs: Arguments of `keras.layers.BatchNormalization`; the normalised axis must be the last one.
    """

    def __init__(self, ghost_batch: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.axis != -1:
            raise ValueError(f"GhostBatchNormalization normalises the last axis only, not axis {self.axis}")
        self.ghost_batch = ghost_batch

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise `inputs` of shape (examples, …, features), group by group in training mode."""
        size = inputs.shape[0]
        if not training or self.ghost_batch is None or size is None or size <= self.ghost_batch:
            return super().call(inputs, training=training, mask=mask)
        groups = size // self.ghost_batch
        full = groups * self.ghost_batch
        outputs = [self._normalise_groups(inputs[:full], groups)]
        if full < size:
            outputs.append(super().call(inputs[full:], training=True))
        return keras.ops.concatenate(outputs, axis=0)

    def _normalise_groups(self, inputs: Any, groups: int) -> Any:
        ops = keras.ops
        grouped = ops.reshape(inputs, (groups, self.ghost_batch, *inputs.shape[1:]))
        mean, variance = ops.moments(grouped, axes=tuple(range(1, len(grouped.shape) - 1)), keepdims=True)
        outputs = (grouped - mean) * ops.rsqrt(variance + self.epsilon)
        if self.scale:
            outputs = outputs * self.gamma
        if self.center:
            outputs = outputs + self.beta
        # The recursion over the groups, written out: group j of G is forgotten G − 1 − j times.
        weights = (1.0 - self.momentum) * self.momentum ** np.arange(groups - 1, -1, -1.0)
        weights = ops.convert_to_tensor(weights[:, None], dtype=inputs.dtype)
        for moving, statistic in ((self.moving_mean, mean), (self.moving_variance, variance)):
            new = ops.sum(weights * ops.reshape(statistic, (groups, -1)), axis=0)
            moving.assign(moving * self.momentum**groups + new)
        return ops.reshape(outputs, inputs.shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer."""
        return {**super().get_config(), "ghost_batch": self.ghost_batch}


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
        count = -(-data.examples // chunk)
        self._chunks = np.array_split(np.arange(data.examples, dtype=np.int32), count) if self._layers else []

        @tf.function(jit_compile=jit, autograph=False)
        def moments(indices: Any) -> None:
            # With momentum 0 the moving statistics become those of this batch.
            with contextlib.ExitStack() as settings:
                for layer in self._layers:
                    settings.enter_context(_changed(layer, "momentum", 0.0))
                    if isinstance(layer, GhostBatchNormalization):
                        settings.enter_context(_changed(layer, "ghost_batch", None))
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


def pool(counts: NDArray[Any], means: NDArray[Any], variances: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean and variance of the union of groups.

    Args:
        counts: Number of examples of each group, shape (groups, 1).
        means: Mean of each group, shape (groups, features).
        variances: Variance (divided by the count) of each group, shape (groups, features).
    """
    weights = counts / counts.sum()
    mean = (weights * means).sum(axis=0)
    return mean, (weights * (variances + (means - mean) ** 2)).sum(axis=0)
