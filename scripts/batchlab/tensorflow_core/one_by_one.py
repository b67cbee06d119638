"""Replicas one after the other: the state of one is in the variables of model and optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.distances import distance
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, tf
from batchlab.tensorflow_core.scheduled_loop import compile_scheduled_updates
from batchlab.tensorflow_core.tapes import KERNELS, examples
from batchlab.tensorflow_core.update_loop import compile_updates
from batchlab.tensorflow_core.xla_choice import compilation

Arrays = dict[str, NDArray[Any]]


class Replicas:
    """One replica at a time; see `training.core.Replicas`.

    Attributes:
        model: The model, whose variables hold the replica's state.
        data: The resident data set.
        jit: Whether XLA compiles the passes.
    """

    def __init__(
        self,
        model: Any,
        data: Resident,
        variables: Mapping[str, Any],
        optimizer: Any = None,
        micro: int = 0,
        following: Any = None,
    ) -> None:
        self.model, self.data, self._variables = model, data, variables
        self._optimizer, self._micro, self._following = optimizer, micro, following
        self.jit, self._facts = compilation(model)
        self._compiled: dict[int, Callable[..., Any]] = {}
        self.compile_seconds = 0.0

    @property
    def facts(self) -> dict[str, Any]:
        """The decision to compile, and its reason."""
        return self._facts

    def groups(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return each seed by itself."""
        return [[seed] for seed in seeds]

    def restore(self, replicas: Sequence[Arrays]) -> None:
        """Assign the one replica's variables."""
        [replica] = replicas
        for key, variable in self._variables.items():
            variable.assign(replica[key])

    def capture(self) -> list[Arrays]:
        """Return the one replica's present variables."""
        return [{key: np.array(variable.numpy()) for key, variable in self._variables.items()}]

    def distances(self, references: Sequence[Arrays], keys: Sequence[str]) -> list[tuple[float, float]]:
        """Return the one replica's distances from its reference and from the origin."""
        [reference] = references
        weights = {key: self._variables[key].numpy() for key in keys}
        return [(distance(weights, reference, keys), distance(weights, None, keys))]

    def non_trainable(self) -> list[NDArray[Any]]:
        """Return the values of what is not trained, each with an axis of one replica."""
        return [np.array(variable.numpy())[None] for variable in self.model.non_trainable_variables]

    def assign_non_trainable(self, values: Sequence[Any]) -> None:
        """Set the values of what is not trained."""
        for variable, [value] in zip(self.model.non_trainable_variables, values, strict=True):
            variable.assign(value)

    def scores(self, chunks: NDArray[np.int32]) -> Callable[[], list[tuple[NDArray[Any], ...]]]:
        """Compile a pass over all chunks in inference mode."""
        model, data = self.model, self.data

        @tf.function(jit_compile=self.jit, autograph=False)
        def scores(rows: Any) -> tuple[Any, ...]:
            inputs, targets, given = examples(model, data, rows)
            scores: tuple[Any, ...] = data.task.scores(KERNELS, targets, model(inputs, training=False), given)
            return scores

        pieces = [tf.constant(rows) for rows in chunks]

        def run() -> list[tuple[NDArray[Any], ...]]:
            parts = zip(*(scores(rows) for rows in pieces), strict=True)
            return [tuple(np.concatenate([values.numpy() for values in part]) for part in parts)]

        return run

    def after_forward(
        self, during: Callable[[], AbstractContextManager[None]]
    ) -> Callable[[NDArray[np.int32]], list[NDArray[Any]]]:
        """Compile a pass in training mode that returns what is not trained as it is afterwards."""
        model, data = self.model, self.data

        @tf.function(jit_compile=self.jit, autograph=False)
        def forward(rows: Any) -> None:
            with during():
                model(examples(model, data, rows)[0], training=True)

        def run(rows: NDArray[np.int32]) -> list[NDArray[Any]]:
            forward(tf.constant(rows))
            return self.non_trainable()

        return run

    def on_device(self, orders: Sequence[NDArray[np.int32]]) -> Any:
        """Put the one replica's order of the examples on the device."""
        [order] = orders
        return tf.constant(order)

    def _updates(self, size: int) -> Callable[..., Any]:
        """Return the compiled updates for batches of `size` examples, compiling them off the clock."""
        if size not in self._compiled:
            clock = time.perf_counter()
            run: Callable[..., Any]
            nothing, order = tf.constant(0), tf.zeros((self.data.examples,), tf.int32)
            if self._following is None:
                run = compile_updates(self.model, self._optimizer, self.data, size, self._micro, self.jit)
                run(order, nothing, nothing)
            else:
                run = compile_scheduled_updates(
                    self.model, self._optimizer, self.data, size, self._micro, self.jit, self._following
                )
                run(order, nothing, nothing, self._padded([], size))
            self.compile_seconds += time.perf_counter() - clock
            self._compiled[size] = run
        return self._compiled[size]

    def _padded(self, rates: Sequence[float] | NDArray[np.float64], size: int) -> Any:
        """Return rates in a vector of one length for each batch size, so that nothing is compiled anew."""
        padded = np.ones(-(-self.data.examples // size))
        padded[: len(rates)] = rates
        return tf.constant(padded, float_type())

    def run(
        self,
        orders: Any,
        batches: Sequence[tuple[int, int, int]],
        rates: Sequence[NDArray[np.float64]] | None = None,
    ) -> tuple[list[float], float]:
        """Make the updates of (batch size, first position, last position), one after the other."""
        runs = [(self._updates(size), tf.constant(first), tf.constant(last)) for size, first, last in batches]
        if rates is None:
            more: list[tuple[Any, ...]] = [()] * len(runs)
        else:
            more = [(self._padded(own, size),) for [own], (size, _, _) in zip(rates, batches, strict=True)]
        clock = time.perf_counter()
        total = sum(
            float(updates(orders, first, last, *rest)) for (updates, first, last), rest in zip(runs, more, strict=True)
        )
        return [total], time.perf_counter() - clock
