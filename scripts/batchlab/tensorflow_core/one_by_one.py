"""The TensorFlow core: one replica after the other through the same compiled updates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf
from batchlab.tensorflow_core.gradients import Updates, compile_updates
from batchlab.tensorflow_core.inference import Evaluation
from batchlab.tensorflow_core.xla_choice import compilation
from batchlab.training import state, trainer


class Trainer(trainer.Trainer):
    """Trains one replica at a time; its state is in the variables of model and optimizer."""

    def __init__(self, spec: dict[str, Any], data: Resident) -> None:
        super().__init__(spec, data)
        self.jit, self._facts = compilation(self.model)
        self._evaluation = Evaluation(self.model, data, self.jit)
        self._compiled: dict[int, Updates] = {}

    def together(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return each seed by itself."""
        return [[seed] for seed in seeds]

    def restore(self, replicas: Sequence[state.Arrays]) -> None:
        """Assign the one replica's variables."""
        [replica] = replicas
        state.restore(self.variables, replica)

    def capture(self) -> list[state.Arrays]:
        """Return the one replica's present variables."""
        return [state.capture(self.variables)]

    def metrics(self) -> list[dict[str, float]]:
        """Return the one replica's metrics."""
        return [self._evaluation.re_estimated()]

    def _resident(self, orders: list[Any]) -> Any:
        [order] = orders
        return tf.constant(order)

    def _updates(self, size: int) -> Updates:
        """Return the compiled updates for batches of `size` examples, compiling them off the clock."""
        if size not in self._compiled:
            clock = time.perf_counter()
            run = compile_updates(self.model, self.optimizer, self.data, size, self.micro, self.jit)
            nothing = tf.constant(0)
            run(tf.zeros((self.data.examples,), tf.int32), nothing, nothing)
            self.compile_seconds += time.perf_counter() - clock
            self._compiled[size] = run
        return self._compiled[size]

    def _run(self, orders: Any, batches: list[tuple[int, int, int]]) -> tuple[list[float], float]:
        runs = [(self._updates(size), tf.constant(first), tf.constant(last)) for size, first, last in batches]
        clock = time.perf_counter()
        total = sum(float(updates(orders, first, last)) for updates, first, last in runs)
        return [total], time.perf_counter() - clock

    @property
    def facts(self) -> dict[str, Any]:
        """The decision to compile, its reason, and how long compiling took."""
        return {**self._facts, "compile_seconds": round(self.compile_seconds, 3)}
