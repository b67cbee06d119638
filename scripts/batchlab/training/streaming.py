"""Replicas that are trained and evaluated on a data set on disk, window by window.

A window holds the examples that come next, in the order in which training sees them; the core computes on it as on a
whole data set, with numbers of rows in the window in place of numbers of examples. While one window is computed, a
thread reads the next. Each update lies in one window as a whole, so the numbers are those of a data set in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.backend.streamed import VARIABLE
from batchlab.errors import BatchlabError

Arrays = dict[str, NDArray[Any]]
Batches = tuple[int, int, int]


class StreamedReplicas:
    """Replicas of a core over a window; see `training.core.Replicas`.

    Args:
        inner: The core's replicas, made for the window's data.
        window: The core's window.
        data: The data set on disk.

    Attributes:
        compile_seconds: Time that compiling updates has taken so far.
    """

    def __init__(self, inner: Any, window: Any, data: Resident) -> None:
        self._inner, self._window, self._data = inner, window, data
        self.compile_seconds = 0.0
        self._rows = int(window.data.x.shape[0])
        kind = keras.backend.standardize_dtype(window.data.x.dtype)
        self._buffers = [np.empty((self._rows, *data.shape), kind) for _ in range(2)]
        self._memory = {"y": keras.ops.convert_to_numpy(data.y)}
        if data.weights is not None:
            self._memory["weights"] = keras.ops.convert_to_numpy(data.weights)

    @property
    def facts(self) -> dict[str, Any]:
        """How the passes are compiled, and how many examples are in memory."""
        return {**self._inner.facts, "window": self._rows}

    def groups(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return the seeds in the core's groups."""
        groups: list[list[int]] = self._inner.groups(seeds)
        return groups

    def restore(self, replicas: Sequence[Arrays]) -> None:
        """Take over a group of replicas."""
        self._inner.restore(replicas)

    def capture(self) -> list[Arrays]:
        """Return the present state of each replica."""
        captured: list[Arrays] = self._inner.capture()
        return captured

    def distances(self, references: Sequence[Arrays], keys: Sequence[str]) -> list[tuple[float, float]]:
        """Return each replica's distances from its reference and from the origin."""
        found: list[tuple[float, float]] = self._inner.distances(references, keys)
        return found

    def non_trainable(self) -> list[Any]:
        """Return the values of what is not trained."""
        return list(self._inner.non_trainable())

    def assign_non_trainable(self, values: Sequence[Any]) -> None:
        """Set the values of what is not trained."""
        self._inner.assign_non_trainable(values)

    def scores(self, chunks: NDArray[np.int32]) -> Callable[[], list[tuple[NDArray[Any], ...]]]:
        """Compile a pass in inference mode, which goes through the chunks one after the other."""
        size = chunks.shape[1]
        self._check(size, "a chunk of the evaluation")
        one = self._inner.scores(np.arange(size, dtype=np.int32)[None])

        def run() -> list[tuple[NDArray[Any], ...]]:
            found = [one() for _ in self._loaded([[chunk] for chunk in chunks], size)]
            return [
                tuple(np.concatenate(values) for values in zip(*parts, strict=True))
                for parts in zip(*found, strict=True)
            ]

        return run

    def after_forward(
        self, during: Callable[[], AbstractContextManager[None]]
    ) -> Callable[[NDArray[np.int32]], list[NDArray[Any]]]:
        """Compile a pass in training mode over examples that fit into the window."""
        forward = self._inner.after_forward(during)

        def run(rows: NDArray[np.int32]) -> list[NDArray[Any]]:
            self._check(len(rows), "a chunk for statistics of normalisation")
            [found] = [forward(np.arange(len(rows), dtype=np.int32)) for _ in self._loaded([[rows]], len(rows))]
            values: list[NDArray[Any]] = found
            return values

        return run

    def on_device(self, orders: Sequence[NDArray[np.int32]]) -> Any:
        """Keep the orders on the host, where windows are filled."""
        return list(orders)

    def run(
        self, orders: Any, batches: Sequence[Batches], rates: Sequence[NDArray[np.float64]] | None = None
    ) -> tuple[list[float], float]:
        """Make updates of each of `batches`, in as many windows as they need; waiting for the disk counts as time."""
        room = self._rows // len(orders)
        local = self._inner.on_device(
            [np.arange(start, start + room, dtype=np.int32) for start in range(0, len(orders) * room, room)]
        )
        parts: list[tuple[int, int, int, NDArray[np.float64] | None]] = []
        for number, (size, first, last) in enumerate(batches):
            self._check(size * len(orders), f"batch_size: an update of {len(orders)} replicas")
            step = room // size * size
            for start in range(first, last, step):
                stop = min(start + step, last)
                own = None if rates is None else rates[number][:, (start - first) // size : (stop - first) // size]
                parts.append((size, start, stop, own))
        losses = np.zeros(len(orders))
        clock, compiled = time.perf_counter(), self.compile_seconds
        needed = [[order[start:stop] for order in orders] for _, start, stop, _ in parts]
        for (size, start, stop, own), _ in zip(parts, self._loaded(needed, room), strict=True):
            more = None if own is None else [own]
            losses += self._inner.run(local, [(size, 0, stop - start)], more)[0]
        self.compile_seconds = self._inner.compile_seconds
        return losses.tolist(), time.perf_counter() - clock - (self.compile_seconds - compiled)

    def _check(self, examples: int, what: str) -> None:
        if examples > self._rows:
            raise BatchlabError(
                f"{what} takes {examples} examples, but of these data, which stay on disk, {self._rows} are in memory "
                f"at once; set {VARIABLE} to more megabytes"
            )

    def _loaded(self, needed: Sequence[Sequence[NDArray[np.int32]]], room: int) -> Iterator[None]:
        """Yield for each item when the window holds its examples, each replica's `room` rows after those before."""

        def read(number: int) -> dict[str, NDArray[Any]]:
            rows = np.zeros((len(needed[number]) - 1) * room + len(needed[number][-1]), np.int32)
            buffer = self._buffers[number % 2]
            for replica, examples in enumerate(needed[number]):
                start = replica * room
                rows[start : start + len(examples)] = examples
                self._data.x.read(examples, buffer[start : start + len(examples)])
            return {"x": buffer[: len(rows)], **{name: values[rows] for name, values in self._memory.items()}}

        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(read, 0)
            for number in range(len(needed)):
                found = ahead.result()
                if number + 1 < len(needed):
                    ahead = reader.submit(read, number + 1)
                self._window.load(self._inner, found)
                yield
