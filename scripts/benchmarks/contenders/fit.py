"""Keras' `fit`, on the backend that the environment variable `KERAS_BACKEND` names."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks import FIT_SETTINGS
from benchmarks.contenders import Data, start


def configure(threads: int) -> None:
    """Limit TensorFlow to so many threads; JAX reads the environment variable `NPROC`."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


class Fit:
    """A model of Keras' own layers.

    Args:
        spec: `batch_size`, `learning_rate`.
        data: What it trains on.
        begin: Its layers and weights.
        settings: Arguments of `compile`, such as `jit_compile` and `steps_per_execution`; none for Keras' defaults.
    """

    def __init__(self, spec: dict[str, Any], data: Data, begin: start.Start, settings: dict[str, Any]) -> None:
        self._x, self._y = data.in_order()
        self._batch_size = spec["batch_size"]
        layers = [getattr(keras.layers, layer["kind"]).from_config(layer["config"]) for layer in begin.layers]
        self._model = keras.Sequential([keras.Input(self._x.shape[1:]), *layers])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._model.compile(keras.optimizers.SGD(spec["learning_rate"]), loss, **settings)
        self._initial = begin.weights
        self.reset()

    def reset(self) -> None:
        """Go back to the initial state."""
        self._model.set_weights(self._initial)

    def epoch(self) -> float:
        """Train one epoch with `fit`."""
        clock = time.perf_counter()
        self._model.fit(self._x, self._y, batch_size=self._batch_size, epochs=1, shuffle=False, verbose=0)
        return time.perf_counter() - clock

    def logits(self, inputs: NDArray[np.float32], training: bool) -> NDArray[Any]:
        """Return the model's outputs."""
        return np.asarray(self._model(inputs, training=training))


def prepare(name: str, spec: dict[str, Any], data: Data, path: Path) -> Fit:
    """Return the contender for one case."""
    return Fit(spec, data, start.read(path), FIT_SETTINGS.get(name, {}))
