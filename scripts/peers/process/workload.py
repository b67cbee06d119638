"""A workload as a user of Keras or PyTorch has it: arrays, a model, a loss, and the validation value by its name."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.model_inputs import input_type
from batchlab.backend.resident import Resident, read
from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.training.current_task import task_of

# Task → Keras' loss and its metric beside it.
_KERAS: Mapping[str, tuple[Any, Any]] = {
    "classification": (
        lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda: keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
    ),
    "next_token": (
        lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda: keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
    ),
    "binary": (
        lambda: keras.losses.BinaryCrossentropy(from_logits=True),
        lambda: keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
    ),
    "regression": (
        lambda: keras.losses.MeanSquaredError(),
        lambda: keras.metrics.RootMeanSquaredError(name="rmse"),
    ),
}


@dataclass(frozen=True)
class Workload:
    """What is learnt.

    Attributes:
        x, y: Training examples: inputs as the model takes them, targets as they are learnt.
        x_validation, y_validation: Validation examples.
        metric: Keras' name of the validation value, such as `val_accuracy`.
        better: `max` or `min`.
        target: The value to reach, in the unit of `metric`.
        request: See `tuner_search.search`.
        data: The prepared data set.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    x_validation: NDArray[Any]
    y_validation: NDArray[Any]
    metric: str
    better: str
    target: float
    request: Mapping[str, Any]
    data: Resident

    @property
    def examples(self) -> int:
        """Training examples."""
        return len(self.x)

    @property
    def _task(self) -> str:
        return str(self.request["run"].get("task", {"name": "classification"})["name"])

    def model(self, seed: int) -> Any:
        """Return the model with the initial weights of a seed."""
        return build_model(self.request["run"]["model"], self.data.shape, self.data.output_shape, seed)

    def loss(self) -> Any:
        """Return Keras' loss."""
        return _KERAS[self._task][0]()

    def metrics(self) -> list[Any]:
        """Return Keras' metrics."""
        return [_KERAS[self._task][1]()]


def machine_seconds() -> float:
    """Return the time of all cores that this process has taken: its CPU time over their number.

    Unlike the clock it does not run while other programs have the cores.
    """
    return time.process_time() / (os.cpu_count() or 1)


def load(request: Mapping[str, Any]) -> Workload:
    """Return the workload of a request.

    Raises:
        BatchlabError: Keras has no loss or metric with which it could be compared.
    """
    run, wanted = request["run"], request["target"]
    data = read(request["data"], task_of(run))
    name, metric = run.get("task", {"name": "classification"})["name"], wanted["metric"].removeprefix("validation_")
    several = name == "regression" and data.output_shape != (1,)
    if name not in _KERAS or metric not in ("accuracy", "loss", "rmse") or several or data.weights is not None:
        raise BatchlabError(
            f"peers: no search is offered for {metric} of the task {name}, or with weights or several targets"
        )
    x, y = (np.asarray(keras.ops.convert_to_numpy(each)) for each in (data.x, data.y))
    model = build_model(run["model"], data.shape, data.output_shape, 0)
    x = x.astype(input_type(model))
    if x.dtype.kind == "f":
        x /= np.float32(data.scale)
    unit = _unit(request["data"]) if metric == "rmse" else 1.0
    train, validation, _ = data.counts
    end = train + validation
    return Workload(
        *(x[:train], y[:train], x[train:end], y[train:end]),
        metric=f"val_{metric}",
        better="max" if wanted["better"] == "higher" else "min",
        target=wanted["value"] / unit,
        request=request,
        data=data,
    )


def _unit(path: str) -> float:
    """Return the deviation of the training targets, by which they are divided as they are learnt."""
    with np.load(path) as arrays:
        deviation = float(arrays["y_train"].astype(np.float64).std())
    return deviation if math.isfinite(deviation) and deviation > 0 else 1.0
