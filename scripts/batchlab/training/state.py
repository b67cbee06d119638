"""Snapshots: everything that training needs to continue as if it had never stopped.

`state.npz` holds, with one row per seed on the leading axis,

- `weights/<path>`: every variable of the model, trained or not (moving statistics and random states included);
- `optimizer/<path>`: every variable of the optimizer; absent in the snapshot of the initial weights;
- `position/updates`, `position/examples`, `position/seconds`, `position/seeds`, `position/status`;
- `until/<…>`: what an early end remembers, where there may be one (see `ending`).
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.errors import BatchlabError
from batchlab.files import atomic_path

Arrays = dict[str, NDArray[Any]]

OK, DIVERGED = "ok", "diverged"
# Of a replica that has ended before its cap: at its target, or because a metric stopped improving.
REACHED, STOPPED = "reached", "stopped"
ENDED = (REACHED, STOPPED)

_POSITION = ("updates", "examples", "seconds", "seeds", "status")

# Entries that are measured, not computed: they differ from run to run, everything else is bitwise reproducible.
MEASURED = ("position/seconds",)


@dataclass
class Position:
    """Where one replica stands.

    Attributes:
        updates: Optimizer steps so far.
        examples: Examples seen so far, over all epochs.
        seconds: Time spent in compiled updates, without compilation and evaluation.
        status: `ok`, `diverged`, or `reached` and `stopped` of a replica that has ended.
    """

    updates: int = 0
    examples: int = 0
    seconds: float = 0.0
    status: str = OK


def _named(prefix: str, variables: Iterable[Any]) -> dict[str, Any]:
    """Return key → variable in order; a path that occurs again gets a number."""
    named: dict[str, Any] = {}
    for variable in variables:
        key, number = f"{prefix}/{variable.path}", 1
        while key in named:
            number += 1
            key = f"{prefix}/{variable.path}~{number}"
        named[key] = variable
    return named


def variables_of(model: Any, optimizer: Any | None = None) -> dict[str, Any]:
    """Return the variables that make up a replica's state, by their key in the snapshot."""
    named = _named("weights", model.variables)
    if optimizer is not None:
        prefix = f"optimizer/{optimizer.name}/"
        named |= {
            "optimizer/" + key.removeprefix(prefix).removeprefix("optimizer/"): variable
            for key, variable in _named("optimizer", optimizer.variables).items()
        }
    return named


def trainable_keys(model: Any) -> list[str]:
    """Return the snapshot keys of the trainable variables."""
    wanted = {id(variable) for variable in model.trainable_variables}
    return [key for key, variable in variables_of(model).items() if id(variable) in wanted]


def capture(variables: Mapping[str, Any]) -> Arrays:
    """Return a copy of the variables' values."""
    return {key: np.array(variable.numpy()) for key, variable in variables.items()}


def restore(variables: Mapping[str, Any], values: Mapping[str, NDArray[Any]]) -> None:
    """Assign values to the variables of the same keys."""
    for key, variable in variables.items():
        variable.assign(values[key])


@dataclass(frozen=True)
class Snapshot:
    """The state of all replicas at one position.

    Attributes:
        seeds: The replicas' seeds.
        arrays: Variables by key, replicas on the leading axis.
        positions: One position per replica.
        source: Where the snapshot was read, for messages.
    """

    seeds: tuple[int, ...]
    arrays: Arrays
    positions: tuple[Position, ...]
    source: str = "snapshot"

    @property
    def trained(self) -> bool:
        """Whether the snapshot holds an optimizer's state."""
        return any(key.startswith("optimizer/") for key in self.arrays)

    def replica(self, seed: int) -> tuple[Arrays, Position]:
        """Return the variables and the position of one seed."""
        if seed not in self.seeds:
            raise BatchlabError(f"{self.source}: holds seeds {list(self.seeds)}, not {seed}; delete it and run again")
        row = self.seeds.index(seed)
        return {key: values[row] for key, values in self.arrays.items()}, self.positions[row]

    def load(self, seed: int, variables: Mapping[str, Any]) -> Position:
        """Assign one seed's values to variables; a snapshot without optimizer leaves an optimizer as it is.

        Raises:
            BatchlabError: The snapshot belongs to another model or optimizer.
        """
        arrays, position = self.replica(seed)
        wanted = {key: v for key, v in variables.items() if self.trained or not key.startswith("optimizer/")}
        for key, variable in wanted.items():
            if key not in arrays or arrays[key].shape != tuple(variable.shape):
                raise BatchlabError(
                    f"{self.source}: does not fit the model or optimizer ({key}); delete it and run again"
                )
        restore(wanted, arrays)
        return position


def stack(seeds: Iterable[int], replicas: list[Arrays], positions: Iterable[Position]) -> Snapshot:
    """Put the replicas' variables on a common leading axis."""
    arrays = {key: np.stack([replica[key] for replica in replicas]) for key in replicas[0]}
    return Snapshot(tuple(seeds), arrays, tuple(positions))


def write(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot; the same content gives the same bytes."""
    position = {
        "position/updates": np.array([position.updates for position in snapshot.positions], dtype=np.int64),
        "position/examples": np.array([position.examples for position in snapshot.positions], dtype=np.int64),
        "position/seconds": np.array([position.seconds for position in snapshot.positions], dtype=np.float64),
        "position/seeds": np.array(snapshot.seeds, dtype=np.int64),
        "position/status": np.array([position.status for position in snapshot.positions], dtype="U8"),
    }
    with atomic_path(path) as temporary:
        # NumPy stamps every entry with 1980-01-01, so no time of writing enters the bytes.
        np.savez(temporary, **snapshot.arrays, **position)  # type: ignore[arg-type]


def read(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot.

    Raises:
        BatchlabError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        position = {key: arrays.pop(f"position/{key}") for key in _POSITION}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as problem:
        raise BatchlabError(
            f"{path}: is not an intact snapshot ({type(problem).__name__}); delete it and run again"
        ) from problem
    positions = tuple(
        Position(int(updates), int(examples), float(seconds), str(status))
        for updates, examples, seconds, status in zip(
            position["updates"], position["examples"], position["seconds"], position["status"], strict=True
        )
    )
    return Snapshot(tuple(int(seed) for seed in position["seeds"]), arrays, positions, str(path))
