"""Replicas side by side: their state is in arrays with an axis for the replicas on every variable."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import float_type, jax
from batchlab.jax_core.functional import KERNELS, Program, Stored, Values, examples, forward
from batchlab.jax_core.scanned_updates import State, updates_of
from batchlab.jax_core.scheduled_scan import places_of, scheduled_updates_of
from batchlab.jax_core.vectorising import compilation, over_replicas

Arrays = dict[str, NDArray[Any]]

jnp = jax.numpy


@jax.jit
def _distances(weights: Values, references: Values) -> tuple[Any, Any]:
    """Return each replica's ‖w − reference‖ and ‖w‖ in double precision, where that is enabled."""

    def squares(values: Any) -> Any:
        return jnp.sum(jnp.square(values), axis=tuple(range(1, values.ndim)))

    exact = [
        (weight.astype("float64"), other.astype("float64")) for weight, other in zip(weights, references, strict=True)
    ]
    moved = sum(squares(weight - other) for weight, other in exact)
    return jnp.sqrt(moved), jnp.sqrt(sum(squares(weight) for weight, _ in exact))


class Replicas:
    """All replicas of a group at once; see `training.core.Replicas`.

    The replicas differ in all that is in their variables, the learning rate included.

    Attributes:
        program: What compiled functions are made for.
        stored: The examples.
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
        self.program, self.stored = Program(model, data), Stored(data.x, data.y, data.weights)
        self._variables, self._optimizer, self._micro, self._following = variables, optimizer, micro, following
        self._facts = compilation(model)
        # What has no optimizer is one replica, for which an axis of its own would only cost.
        self._vectorise = bool(self._facts["vectorised"]) and optimizer is not None
        keys = {id(variable): key for key, variable in variables.items()}
        parts = (model.trainable_variables, model.non_trainable_variables, optimizer.variables if optimizer else [])
        self._keys = [[keys[id(variable)] for variable in part] for part in parts]
        self._state: State = ([], [], [])
        self._compiled: dict[tuple[int, int], Any] = {}
        self._references: tuple[Sequence[Arrays], Values] = ([], [])
        self.compile_seconds = 0.0
        self.restore([{key: np.asarray(variable.value) for key, variable in variables.items()}])

    @property
    def facts(self) -> dict[str, Any]:
        """How replicas are computed, and why."""
        return self._facts

    def groups(self, seeds: Sequence[int]) -> list[list[int]]:
        """Return all seeds as one group."""
        return [list(seeds)]

    def restore(self, replicas: Sequence[Arrays]) -> None:
        """Stack the replicas' variables on the device."""
        trainable, fixed, slots = (
            [
                # Other backends keep random states and counters in other types.
                jnp.asarray(np.stack([replica[key] for replica in replicas]).astype(self._variables[key].dtype))
                for key in keys
            ]
            for keys in self._keys
        )
        self._state = trainable, fixed, slots

    def capture(self) -> list[Arrays]:
        """Return the present variables of each replica."""
        keys = [key for part in self._keys for key in part]
        values = [np.asarray(value) for part in self._state for value in part]
        stacked = dict(zip(keys, values, strict=True))
        return [{key: stacked[key][row].copy() for key in self._variables} for row in range(len(values[0]))]

    def distances(self, references: Sequence[Arrays], keys: Sequence[str]) -> list[tuple[float, float]]:
        """Return each replica's distances from its reference and from the origin, computed on the device."""
        if self._references[0] is not references:
            self._references = references, [jnp.asarray(np.stack([each[key] for each in references])) for key in keys]
        trainable, _, _ = self._state
        weights = [trainable[self._keys[0].index(key)] for key in keys]
        with jax.enable_x64(True):
            found = [np.asarray(values).tolist() for values in _distances(weights, self._references[1])]
        return list(zip(*found, strict=True))

    def non_trainable(self) -> Values:
        """Return the values of what is not trained, replicas on the leading axis."""
        return list(self._state[1])

    def assign_non_trainable(self, values: Sequence[Any]) -> None:
        """Set the values of what is not trained."""
        trainable, fixed, slots = self._state
        new = [jnp.asarray(value, old.dtype) for value, old in zip(values, fixed, strict=True)]
        self._state = trainable, new, slots

    def scores(self, chunks: NDArray[np.int32]) -> Callable[[], list[tuple[NDArray[Any], ...]]]:
        """Compile a pass over all chunks in inference mode."""
        program = self.program

        def scores(trainable: Values, fixed: Values, stored: Stored, chunks: Any) -> Any:
            def part(rows: Any) -> tuple[Any, ...]:
                inputs, targets, given = examples(program, stored, rows)
                outputs = forward(program.model, trainable, fixed, inputs, False)[0]
                return program.task.scores(KERNELS, targets, outputs, given)

            return jax.lax.map(part, chunks)

        compiled = jax.jit(over_replicas(scores, 2, self._vectorise))

        def run() -> list[tuple[NDArray[Any], ...]]:
            trainable, fixed, _ = self._state
            metrics = [np.asarray(values) for values in compiled(trainable, fixed, self.stored, chunks)]
            return [
                tuple(values[row].reshape(-1, *values.shape[3:]) for values in metrics)
                for row in range(len(metrics[0]))
            ]

        return run

    def after_forward(
        self, during: Callable[[], AbstractContextManager[None]]
    ) -> Callable[[NDArray[np.int32]], list[NDArray[Any]]]:
        """Compile a pass in training mode that returns what is not trained as it is afterwards."""
        program = self.program

        def after(trainable: Values, fixed: Values, stored: Stored, rows: Any) -> Values:
            with during():
                return forward(program.model, trainable, fixed, examples(program, stored, rows)[0], True)[1]

        compiled = jax.jit(over_replicas(after, 2, self._vectorise))

        def run(rows: NDArray[np.int32]) -> list[NDArray[Any]]:
            trainable, fixed, _ = self._state
            return [np.asarray(value) for value in compiled(trainable, fixed, self.stored, rows)]

        return run

    def present(self) -> tuple[Values, Values]:
        """Return the values of the one replica."""
        trainable, fixed, _ = self._state
        return [value[0] for value in trainable], [value[0] for value in fixed]

    def on_device(self, orders: Sequence[NDArray[np.int32]]) -> Any:
        """Put one order of the examples per replica on the device."""
        return jnp.asarray(np.stack(orders))

    def _updates(self, size: int, orders: Any) -> Any:
        """Return the compiled updates for batches of `size` examples, compiling them off the clock.

        The state is donated: its memory becomes that of the new state.
        """
        known = size, len(orders)
        if known not in self._compiled:
            clock = time.perf_counter()
            zero = np.int32(0)
            if self._following is None:
                updates: Any = updates_of(self.program, self._optimizer, size, self._micro)
                more: tuple[Any, ...] = ()
            else:
                places = places_of(self._optimizer, self._following)
                updates = scheduled_updates_of(self.program, self._optimizer, size, self._micro, places)
                more = (self._padded(np.ones((len(orders), 0)), size),)
            run = over_replicas(updates, 2 + len(more), self._vectorise)
            lowered = jax.jit(run, donate_argnums=0).lower(self._state, orders, *more, self.stored, zero, zero)
            self._compiled[known] = lowered.compile()
            # XLA links a loop's body when it is first run: one update of a copy does it.
            copy = jax.tree.map(jnp.copy, self._state)
            jax.block_until_ready(self._compiled[known](copy, orders, *more, self.stored, zero, np.int32(1)))
            self.compile_seconds += time.perf_counter() - clock
        return self._compiled[known]

    def _padded(self, rates: NDArray[np.float64], size: int) -> Any:
        """Return each replica's rates, all of one length for each batch size, so that nothing is compiled anew."""
        padded = np.ones((len(rates), -(-self.program.data.examples // size)))
        padded[:, : rates.shape[1]] = rates
        return jnp.asarray(padded, float_type())

    def run(
        self,
        orders: Any,
        batches: Sequence[tuple[int, int, int]],
        rates: Sequence[NDArray[np.float64]] | None = None,
    ) -> tuple[list[float], float]:
        """Make the updates of (batch size, first position, last position), one after the other."""
        runs = [
            (self._updates(size, orders), np.int32(first), np.int32((last - first) // size))
            for size, first, last in batches
        ]
        if rates is None:
            more: list[tuple[Any, ...]] = [()] * len(runs)
        else:
            more = [(self._padded(each, size),) for each, (size, _, _) in zip(rates, batches, strict=True)]
        totals = np.zeros(len(orders))
        clock = time.perf_counter()
        for (updates, first, count), rest in zip(runs, more, strict=True):
            self._state, losses = updates(self._state, orders, *rest, self.stored, first, count)
            totals += np.asarray(losses)  # waits for the device
        return totals.tolist(), time.perf_counter() - clock
