"""The training loss of one replica as a function of its weights, all trainable variables in one vector.

The loss is the mean over a subset of the training examples that depends on the seed alone, so that the replicas of one
seed are compared on the same examples; weighted examples count by their weights. The model runs in inference mode,
without dropout.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, keras
from batchlab.training import core, state
from batchlab.training.core import Landscape, Parts
from batchlab.training.frozen_model import FrozenModel

Vector = NDArray[np.float64]

# Examples that go through the model together.
_CHUNK = 1000


def subset(seed: int, examples: int, of: int) -> list[NDArray[np.int32]]:
    """Return `examples` training examples (all of them if there are not so many), drawn once for each seed, in parts.

    Args:
        seed: The replica's seed.
        examples: How many are wanted.
        of: Size of the training set.
    """
    stream = np.random.SeedSequence([seed, zlib.crc32(b"loss_surface")])
    keys = np.random.Philox(stream).random_raw(of)
    chosen = np.sort(np.argsort(keys, kind="stable")[:examples]).astype(np.int32)
    return np.array_split(chosen, -(-len(chosen) // _CHUNK))


def _loss(at: Landscape, row: Any) -> Any:
    return keras.ops.reshape(at.loss(row), (1,))


class LossSurface:
    """Loss, gradient and curvature on a subset, around the weights of a snapshot.

    Args:
        model: The model.
        data: The resident data set.
        examples: Size of the subset.

    Attributes:
        origin: The snapshot's weights.
    """

    def __init__(self, model: FrozenModel, data: Resident, examples: int) -> None:
        self.model, self._data, self._wanted = model, data, examples
        self._loss = core.over_rows(model.replicas, _loss, 1)
        self._loss_and_gradient = core.loss_and_gradient(model.replicas)
        self._product = core.hessian_product(model.replicas)
        self._rows: list[NDArray[np.int32]] = []
        self._base: state.Arrays = {}
        self.origin: Vector = np.zeros(0)
        self._total = 0.0

    def load(self, snapshot: state.Snapshot, seed: int) -> None:
        """Take the weights of one replica and draw its subset."""
        self.model.load(snapshot, seed)
        self._base = state.capture(self.model.variables)
        self._rows = subset(seed, self._wanted, self._data.examples)
        self._total = sum(map(self._count, self._rows))
        self.origin = self.vector(self._base)

    def _count(self, row: NDArray[np.int32]) -> float:
        """Return the number of examples, or the sum of their weights where they have any."""
        take, given = keras.ops.take, self._data.weights
        weights = self._data.task.weights(
            take(self._data.y, row, axis=0), None if given is None else take(given, row, axis=0)
        )
        return float(len(row)) if weights is None else float(keras.ops.convert_to_numpy(weights).sum())

    def vector(self, arrays: state.Arrays) -> Vector:
        """Return weights by their keys in snapshots as one vector, in double precision."""
        return _joined([arrays[key] for key in self.model.trainable])

    def parts(self, vector: Vector) -> list[NDArray[Any]]:
        """Return a vector as one array for each trainable variable, in the model's precision."""
        shapes = [self._base[key].shape for key in self.model.trainable]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        pieces = zip(np.split(vector, ends[:-1]), shapes, strict=True)
        return [piece.reshape(shape).astype(float_type()) for piece, shape in pieces]

    def take(self, vector: Vector) -> None:
        """Give the model these weights; what is not trained is that of the snapshot."""
        self.model.take({**self._base, **dict(zip(self.model.trainable, self.parts(vector), strict=True))})

    def value(self, vector: Vector) -> float:
        """Return the loss at weights, with statistics of batch normalisation taken anew there."""
        self.take(vector)
        with self.model.evaluation.population_statistics():
            return float(sum(self._loss(row[None]).item() for row in self._rows)) / self._total

    def value_and_gradient(self, vector: Vector) -> tuple[float, Vector]:
        """Return loss and gradient at weights, with the statistics that are set."""
        loss, gradient = self._loss_and_gradient(self._rows, self.parts(vector))
        return loss / self._total, _joined(gradient) / self._total

    def hessian_product(self, direction: Vector) -> Vector:
        """Return the product of the loss' Hessian at the weights that the model has with a direction."""
        return _joined(self._product(self._rows, self.parts(direction))) / self._total


def _joined(parts: Parts | Sequence[Vector]) -> Vector:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])
