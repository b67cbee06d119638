"""Ways to train one epoch, each behind the same calls.

All start from the same weights, see the same examples in the same order, keep the ragged last batch and use plain SGD.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from batchlab import models
from batchlab.benchmarks import FIT_SETTINGS, OURS
from batchlab.training import core, resident
from batchlab.training.backend import keras
from batchlab.training.order import permutation

Arrays = dict[str, NDArray[Any]]


class Contender(Protocol):
    """One way to train, prepared for one model and one batch size.

    Attributes:
        model: The Keras model that is trained.
    """

    model: Any

    def reset(self) -> None:
        """Go back to the initial state."""

    def epoch(self) -> float:
        """Train one epoch and return its seconds."""


class Ours:
    """The compiled updates of this project."""

    def __init__(self, spec: dict[str, Any], data: Arrays) -> None:
        arrays = {"x_train": data["x"], "y_train": data["y"], "scale": data["scale"], "classes": data["classes"]}
        for split in ("validation", "test"):
            arrays |= {f"x_{split}": data["x"][:0], f"y_{split}": data["y"][:0]}
        self._data = resident.from_arrays(arrays)
        self._trainer = core.Trainer({**spec, "optimizer": {"name": "sgd"}, "accumulation": 1}, self._data)
        self.model = self._trainer.model
        self._initial = self._trainer.capture()
        self._orders = self._trainer.orders([0], 0)

    def reset(self) -> None:
        """Go back to the initial state."""
        self._trainer.restore(self._initial)

    def epoch(self) -> float:
        """Train one epoch; what is compiled at its first call is on the clock."""
        clock = time.perf_counter()
        self._trainer.run(self._orders, 0, self._data.examples)
        return time.perf_counter() - clock


class Fit:
    """Keras' `fit`.

    Args:
        spec: As for all contenders.
        data: As for all contenders.
        settings: Arguments of `compile`, such as `jit_compile` and `steps_per_execution`; none for Keras' defaults.
    """

    def __init__(self, spec: dict[str, Any], data: Arrays, settings: dict[str, Any]) -> None:
        order = permutation(0, 0, len(data["y"]))
        self._x, self._y = data["x"][order].astype("float32") / np.float32(data["scale"]), data["y"][order]
        self._batch_size = spec["batch_size"]
        self.model = models.build(spec["model"], self._x.shape[1:], int(data["classes"]))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(keras.optimizers.SGD(spec["learning_rate"]), loss, **settings)
        self._initial = self.model.get_weights()

    def reset(self) -> None:
        """Go back to the initial state."""
        self.model.set_weights(self._initial)

    def epoch(self) -> float:
        """Train one epoch with `fit`."""
        clock = time.perf_counter()
        self.model.fit(self._x, self._y, batch_size=self._batch_size, epochs=1, shuffle=False, verbose=0)
        return time.perf_counter() - clock


def prepare(name: str, spec: dict[str, Any], data: Arrays) -> Contender:
    """Return the contender of a name for one model and batch size.

    Args:
        name: `OURS` or a key of `FIT_SETTINGS`.
        spec: `model`, `batch_size`, `learning_rate`.
        data: `x`, `y`, `scale`, `classes`.
    """
    return Ours(spec, data) if name == OURS else Fit(spec, data, FIT_SETTINGS[name])
