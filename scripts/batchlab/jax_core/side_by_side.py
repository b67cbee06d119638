"""Training of all replicas of a job at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import jax
from batchlab.jax_core.scanned_updates import State, updates_of
from batchlab.jax_core.scores import Population, Scores
from batchlab.jax_core.vectorising import compilation, over_replicas
from batchlab.training import state, trainer


class Trainer(trainer.Trainer):
    """Trains all replicas at once; their state is in arrays with replicas on the leading axis.

    The replicas differ by whatever is in their variables, the learning rate included.
    """

    def __init__(self, spec: dict[str, Any], data: Resident) -> None:
        super().__init__(spec, data)
        _, self._facts = compilation(self.model)
        self._vectorise = bool(self._facts["vectorised"])
        self._scores = Scores(self.model, data, self._vectorise)
        self._population = Population(self.model, data, self._vectorise)
        keys = {id(variable): key for key, variable in self.variables.items()}
        self._keys = [
            [keys[id(variable)] for variable in variables]
            for variables in (
                self.model.trainable_variables,
                self.model.non_trainable_variables,
                self.optimizer.variables,
            )
        ]
        self._state: State = ([], [], [])
        self._compiled: dict[tuple[int, int], Any] = {}

    def together(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return all seeds as one group."""
        return [list(seeds)]

    def restore(self, replicas: Sequence[state.Arrays]) -> None:
        """Stack the replicas' variables on the device."""
        trainable, fixed, slots = (
            [
                # Other backends keep random states and counters in other types.
                jax.numpy.asarray(np.stack([replica[key] for replica in replicas]).astype(self.variables[key].dtype))
                for key in keys
            ]
            for keys in self._keys
        )
        self._state = trainable, fixed, slots

    def capture(self) -> list[state.Arrays]:
        """Return the present variables of each replica."""
        keys = [key for part in self._keys for key in part]
        values = [np.asarray(value) for part in self._state for value in part]
        stacked = dict(zip(keys, values, strict=True))
        return [{key: stacked[key][row].copy() for key in self.variables} for row in range(len(values[0]))]

    def metrics(self) -> list[dict[str, float]]:
        """Return the metrics of each replica."""
        trainable, fixed, _ = self._state
        return self._scores(trainable, self._population(trainable, fixed))

    def _resident(self, orders: list[Any]) -> Any:
        return jax.numpy.asarray(np.stack(orders))

    def _updates(self, size: int, orders: Any) -> Any:
        """Return the compiled updates for batches of `size` examples, compiling them off the clock.

        The state is donated: its memory becomes that of the new state.
        """
        known = size, len(orders)
        if known not in self._compiled:
            clock = time.perf_counter()
            run = over_replicas(updates_of(self.model, self.optimizer, size, self.micro), 2, self._vectorise)
            zero = np.int32(0)
            lowered = jax.jit(run, donate_argnums=0).lower(self._state, orders, self.data, zero, zero)
            self._compiled[known] = lowered.compile()
            # XLA links a loop's body when it is first run: one update of a copy does it.
            copy = jax.tree.map(jax.numpy.copy, self._state)
            jax.block_until_ready(self._compiled[known](copy, orders, self.data, zero, np.int32(1)))
            self.compile_seconds += time.perf_counter() - clock
        return self._compiled[known]

    def _run(self, orders: Any, batches: list[tuple[int, int, int]]) -> tuple[list[float], float]:
        runs = [
            (self._updates(size, orders), np.int32(first), np.int32((last - first) // size))
            for size, first, last in batches
        ]
        totals = np.zeros(len(orders))
        clock = time.perf_counter()
        for updates, first, count in runs:
            self._state, losses = updates(self._state, orders, self.data, first, count)
            totals += np.asarray(losses)  # waits for the device
        return totals.tolist(), time.perf_counter() - clock

    @property
    def facts(self) -> dict[str, Any]:
        """How replicas were computed, and how long compiling took."""
        return {**self._facts, "compile_seconds": round(self.compile_seconds, 3)}
