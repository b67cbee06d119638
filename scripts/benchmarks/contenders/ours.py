"""The compiled updates of this project."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend import resident, runtime
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training.trainer import Trainer
from benchmarks.contenders import Data, start


def configure(threads: int) -> None:
    """Prepare TensorFlow as in every job, determinism included."""
    runtime.configure(threads=threads)


def resident_of(data: Data) -> resident.Resident:
    """Return training examples as a resident data set without validation and test set."""
    arrays: dict[str, Any] = {"x_train": data.x, "y_train": data.y, "scale": data.scale, "classes": data.classes}
    for split in ("validation", "test"):
        arrays |= {f"x_{split}": data.x[:0], f"y_{split}": data.y[:0]}
    return resident.from_arrays(arrays, CLASSIFICATION)


class Ours:
    """One trainer; the initial weights are its own."""

    def __init__(self, spec: dict[str, Any], data: Data, path: Path) -> None:
        self._data = resident_of(data)
        self._trainer = Trainer({**spec, "optimizer": {"name": "sgd"}, "accumulation": 1}, self._data)
        self._initial = self._trainer.replicas.capture()
        self._orders = self._trainer.orders([0], 0)
        start.write(path, self._trainer.model, data.inputs(slice(start.CHECKED)))

    def reset(self) -> None:
        """Go back to the initial state."""
        self._trainer.replicas.restore(self._initial)

    def epoch(self) -> float:
        """Train one epoch; what is compiled at its first call is on the clock."""
        clock = time.perf_counter()
        self._trainer.run(self._orders, 0, self._data.examples)
        return time.perf_counter() - clock

    def logits(self, inputs: NDArray[np.float32], training: bool) -> NDArray[Any]:
        """Return the model's outputs."""
        return np.asarray(self._trainer.model(inputs, training=training))


def prepare(name: str, spec: dict[str, Any], data: Data, path: Path) -> Ours:
    """Return the contender for one case and write its start."""
    return Ours(spec, data, path)
