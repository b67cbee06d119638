"""Training update by update, with gradients that are put together in one of several ways."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, keras
from batchlab.probes.measuring import Run
from batchlab.training import optimizers, state
from batchlab.training.core import Landscape, over_rows
from batchlab.training.frozen_model import FrozenModel

# Examples of a micro-batch.
Rows = NDArray[np.int32]
Gradient = NDArray[np.float64]


def _flat(at: Landscape, row: Any, weights: list[Any]) -> Any:
    """Return the gradient of the summed loss as one vector."""
    return keras.ops.concatenate([keras.ops.reshape(part, (-1,)) for part in at.gradient(row, weights)])


def _counts(data: Resident) -> NDArray[np.float64]:
    """Return how much each training example counts in an update."""
    train = np.arange(data.examples)
    given = None if data.weights is None else keras.ops.take(data.weights, train, axis=0)
    weights = data.task.weights(keras.ops.take(data.y, train, axis=0), given)
    if weights is None:
        return np.ones(data.examples)
    found = np.asarray(keras.ops.convert_to_numpy(weights), np.float64)
    return found.reshape(data.examples, -1).sum(axis=1)


class OptimizerPaths:
    """One model whose gradients (in inference mode) several optimizers follow, each with weights of its own.

    Args:
        run: Model, optimizer and learning rate.
        data: The resident data set.
    """

    def __init__(self, run: Run, data: Resident) -> None:
        self.run, self.model = run, FrozenModel(run.model, data)
        self.shapes = [tuple(variable.shape) for variable in self.model.model.trainable_variables]
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        self._gradients = over_rows(self.model.replicas, _flat, int(self._ends[-1]))
        self._counts = _counts(data)

    def count(self, rows: Rows) -> float:
        """Return the number of examples, or the sum of their weights, such as the number of their tokens; 1 for 0."""
        return float(self._counts[rows].sum()) or 1.0

    def sums(self, window: list[Rows], weights: list[NDArray[Any]]) -> list[Gradient]:
        """Return the gradient of each micro-batch, summed over its examples."""
        groups = itertools.groupby(window, key=len)
        return [total for _, equal in groups for total in self._gradients(np.stack(list(equal)), weights)]

    def parts(self, gradient: Gradient) -> list[Any]:
        """Return one tensor for each trainable variable."""
        pieces = zip(np.split(gradient, self._ends[:-1]), self.shapes, strict=True)
        return [keras.ops.convert_to_tensor(piece.reshape(shape), float_type()) for piece, shape in pieces]


class OptimizerPath:
    """An optimizer of Keras that is applied to gradients of micro-batches.

    Args:
        paths: The model.
        accumulation: Micro-batches of an update, K.
        updates: Number of updates, over which a falling rate falls.
        way: `exact` or `falling_rate` (whole batches, at a rate that is constant or falls linearly to 0), or a breaker;
            see `declaration`.
    """

    def __init__(self, paths: OptimizerPaths, accumulation: int, updates: int, way: str) -> None:
        self._paths, self._k, self._updates, self._way = paths, accumulation, updates, way
        self.keys = paths.model.trainable
        self._variables: list[Any] = []
        self._optimizer: Any = None
        self._waiting: list[Rows] = []
        self._number = 0

    def start(self, snapshot: state.Snapshot, seed: int) -> None:
        """Take the weights of one seed, with a fresh optimizer."""
        arrays, _ = snapshot.replica(seed)
        self._variables = [
            keras.Variable(arrays[key], dtype=float_type(), name=f"w{n}") for n, key in enumerate(self.keys)
        ]
        own = {"gradient_accumulation_steps": self._k} if self._way == "keras" else {}
        run = self._paths.run
        self._optimizer = optimizers.build({**run.optimizer, **own}, run.learning_rate, self._variables)
        self._waiting, self._number = [], 0

    def update(self, window: list[Rows]) -> None:
        """Go through the micro-batches that are one update of the whole batch."""
        if self._way == "keras":
            for rows in window:
                self._apply(self._sums([rows])[0] / self._paths.count(rows))
        elif self._way == "no_flush":
            for rows in window:
                self._waiting.append(rows)
                if len(self._waiting) == self._k:
                    self._apply(self._mean(self._waiting))
                    self._waiting = []
        elif self._way == "mean_of_means":
            sums = zip(self._sums(window), window, strict=True)
            means = [total / self._paths.count(rows) for total, rows in sums]
            self._apply(np.mean(means, axis=0))
        else:
            if self._way != "exact":
                steps = self._number * (self._k if self._way == "micro_step_schedule" else 1)
                self._optimizer.learning_rate = self._paths.run.learning_rate * max(0.0, 1 - steps / self._updates)
            self._apply(self._mean(window))
        self._number += 1

    def weights(self) -> state.Arrays:
        """Return the present values of the trainable variables by their keys in snapshots."""
        return dict(zip(self.keys, self._values(), strict=True))

    def metrics(self) -> dict[str, float]:
        """Return the metrics at the present weights."""
        model = self._paths.model
        model.take({**state.capture(model.variables), **self.weights()})
        [metrics] = model.evaluation.re_estimated()
        return metrics

    def _values(self) -> list[NDArray[Any]]:
        return [np.array(variable.numpy()) for variable in self._variables]

    def _sums(self, window: list[Rows]) -> list[Gradient]:
        return self._paths.sums(window, self._values())

    def _mean(self, window: list[Rows]) -> Gradient:
        return np.sum(self._sums(window), axis=0) / sum(map(self._paths.count, window))

    def _apply(self, gradient: Gradient) -> None:
        self._optimizer.apply(self._paths.parts(gradient), self._variables)
