"""Some examples of a data set on disk, in variables that compiled functions read as they read a whole data set."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf


class Window:
    """Room for so many examples.

    Args:
        data: The data set, whose examples are on disk.
        rows: Examples that the window holds.
        dtype: Type of inputs in memory.

    Attributes:
        data: What the window holds, as a data set.
    """

    def __init__(self, data: Resident, rows: int, dtype: Any) -> None:
        def room(like: Any, kind: Any) -> Any:
            return tf.Variable(tf.zeros((rows, *like.shape[1:]), kind), trainable=False)

        x, y = room(data.x, dtype), room(data.y, data.y.dtype)
        weights = None if data.weights is None else room(data.weights, data.weights.dtype)
        self.data = dataclasses.replace(data, x=x, y=y, weights=weights, counts=(rows, 0, 0))

    def load(self, replicas: Any, parts: dict[str, NDArray[Any]]) -> None:
        """Put examples into the first rows of the window.

        Args:
            replicas: The replicas that are trained on it.
            parts: Values of `x`, `y` and perhaps `weights`.
        """
        for name, values in parts.items():
            getattr(self.data, name)[: len(values)].assign(np.ascontiguousarray(values))
