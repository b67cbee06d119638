"""Training on a data set on disk beside training on the same one in memory, in the core of this process.

`python streaming_side.py FOLDER` runs the comparison where the environment chooses the other core.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numerics import cases

from batchlab.backend import resident, streamed
from batchlab.backend.resident import Resident
from batchlab.training import segment, state
from batchlab.training.current_task import task_of

# More than two windows of 1,024 examples, and a last batch of another size.
EXAMPLES = 2301
CASE: dict[str, Any] = {
    "batch_size": 16,
    "accumulation": 2,
    "seeds": [3, 4],
    "optimizer": cases.optimizer("sgd", momentum=0.9),
    "stop": EXAMPLES + 640,
    "schedule": {
        "name": "cosine",
        "to": 0.1,
        "unit": "updates",
        "warmup": 20,
        "warmup_from": 0.2,
        "momentum_correction": True,
        "begin": 0,
        "length": 180,
    },
}
NORMALISED: dict[str, Any] = {"model": {"name": "mlp_bn", "hidden": [8, 6]}}


def both(folder: Path, stored: str) -> tuple[Resident, Resident]:
    """Return a data set in memory and on disk."""
    path = folder / "data.npz"
    np.savez(path, **cases.arrays(examples=EXAMPLES, shape=(6,), stored=stored))
    in_memory = resident.read(str(path), task_of({}))
    memory, streamed.memory = streamed.memory, lambda: 10_000  # type: ignore[assignment]
    try:
        on_disk = streamed.read(str(path), task_of({}))
        assert streamed.is_streamed(on_disk)
        assert streamed.window_rows(on_disk, 1024) == 1024
    finally:
        streamed.memory = memory
    return in_memory, on_disk


def found(data: Resident, start: state.Snapshot, whole: bool) -> list[segment.Segment]:
    """Return what training an epoch and 40 updates gives, and perhaps initial weights of a model with normalisation."""
    memory, streamed.memory = streamed.memory, lambda: 10_000  # type: ignore[assignment]
    try:
        trained = [segment.train(cases.spec(**CASE), data, start, start)]
        return [*trained, segment.initialise(cases.spec(**NORMALISED), data)] if whole else trained
    finally:
        streamed.memory = memory


def compare(folder: Path, whole: bool) -> None:
    """Raise unless both give the same numbers, bit by bit."""
    in_memory, on_disk = both(folder, "uint8")
    start = segment.initialise(cases.spec(**CASE), in_memory).snapshot
    windows = (1024, EXAMPLES + 20)  # normalisation takes statistics of all training examples together
    pairs = zip(found(in_memory, start, whole), found(on_disk, start, whole), strict=True)
    for (expected, other), window in zip(pairs, windows, strict=False):
        for name, rows in expected.tables.items():
            assert [untimed(row) for row in other.tables[name]] == [untimed(row) for row in rows]
        same(other.snapshot, expected.snapshot)
        assert "window" not in expected.facts
        assert other.facts["window"] == window


def untimed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without its seconds."""
    return {key: value for key, value in row.items() if key != "seconds"}


def same(other: state.Snapshot, expected: state.Snapshot) -> None:
    """Raise unless two snapshots hold the same bits."""
    assert other.arrays.keys() == expected.arrays.keys()
    for key, values in expected.arrays.items():
        assert other.arrays[key].dtype == values.dtype
        assert other.arrays[key].tobytes() == values.tobytes(), key


if __name__ == "__main__":
    compare(Path(sys.argv[1]), whole=True)
