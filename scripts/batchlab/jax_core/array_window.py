"""Some examples of a data set on disk, in arrays that take the place of a whole data set's."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import jax
from batchlab.jax_core.functional import Stored

jnp = jax.numpy


class Window:
    """Room for so many examples; see `tensorflow_core.variable_window.Window`."""

    def __init__(self, data: Resident, rows: int, dtype: Any) -> None:
        def room(like: Any, kind: Any) -> Any:
            return jnp.zeros((rows, *like.shape[1:]), kind)

        x, y = room(data.x, dtype), room(data.y, data.y.dtype)
        weights = None if data.weights is None else room(data.weights, data.weights.dtype)
        self.data = dataclasses.replace(data, x=x, y=y, weights=weights, counts=(rows, 0, 0))
        self._host: dict[str, NDArray[Any]] = {}

    def load(self, replicas: Any, parts: dict[str, NDArray[Any]]) -> None:
        """Put examples into the first rows of the window; what lay behind them stays."""
        new = {}
        for name, values in parts.items():
            old = getattr(replicas.stored, name)
            if name not in self._host:
                self._host[name] = np.zeros(old.shape, old.dtype)
            self._host[name][: len(values)] = values
            # A copy: the host's array is written to again while the device may still read.
            new[name] = jnp.array(self._host[name], copy=True)
        replicas.stored = Stored(**{**replicas.stored._asdict(), **new})
