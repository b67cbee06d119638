"""Training on a data set on disk beside training on the same one in memory, in the core of this process.

`python streaming_side.py FOLDER` runs the comparison where the environment chooses the other core.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numerics import cases

from batchlab.backend import resident, streamed
from batchlab.backend.resident import Resident
from batchlab.backend.task_interface import Objective
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
NEXT_TOKEN = task_of({"task": {"name": "next_token"}})
TOKENS: dict[str, Any] = {
    "model": {"name": "transformer", "width": 4, "heads": 1, "blocks": 1},
    "optimizer": cases.optimizer("adam"),
    "learning_rate": 0.01,
    "batch_size": 100,
    "stop": EXAMPLES,
}
NORMALISED: dict[str, Any] = {"model": {"name": "mlp_bn", "hidden": [8, 6]}}


def both(folder: Path, arrays: dict[str, Any], task: Objective | None = None) -> tuple[Resident, Resident]:
    """Return a data set in memory and on disk."""
    path = folder / "data.npz"
    np.savez(path, **arrays)
    task = task or task_of({})
    in_memory = resident.read(str(path), task)
    memory, streamed.memory = streamed.memory, lambda: 10_000  # type: ignore[assignment]
    try:
        on_disk = streamed.read(str(path), task)
        assert streamed.is_streamed(on_disk)
        assert streamed.window_rows(on_disk, 1024) == 1024
    finally:
        streamed.memory = memory
    return in_memory, on_disk


def found(data: Resident, start: state.Snapshot, case: dict[str, Any], whole: bool = False) -> list[segment.Segment]:
    """Return what training an epoch and 40 updates gives, and perhaps initial weights of a model with normalisation."""
    memory, streamed.memory = streamed.memory, lambda: 10_000  # type: ignore[assignment]
    try:
        trained = [segment.train(cases.spec(**case), data, start, start)]
        return [*trained, segment.initialise(cases.spec(**NORMALISED), data)] if whole else trained
    finally:
        streamed.memory = memory


def tokens() -> dict[str, Any]:
    """Return sequences of tokens of unequal length as a prepared data set."""
    draw = np.random.default_rng(5)
    arrays: dict[str, Any] = {"scale": np.array(1.0), "classes": np.array(7)}
    for split, count in (("train", EXAMPLES), ("validation", 11), ("test", 9)):
        text = draw.integers(0, 7, (count, 6)).astype(np.int32)
        arrays |= {f"x_{split}": text[:, :-1], f"y_{split}": text[:, 1:]}
        arrays[f"w_{split}"] = (np.arange(5) <= draw.integers(0, 5, (count, 1))).astype(np.float32)
    return arrays


def compare_tokens(folder: Path) -> None:
    """Raise unless sequences with weights give the same numbers, bit by bit."""
    in_memory, on_disk = both(folder, tokens(), NEXT_TOKEN)
    start = segment.initialise(cases.spec(**TOKENS), in_memory).snapshot
    expected, other = (found(data, start, TOKENS)[0] for data in (in_memory, on_disk))
    assert math.isfinite(expected.history[-1]["train_loss"])
    same_tables(other, expected)
    same(other.snapshot, expected.snapshot)


def compare(folder: Path, whole: bool) -> None:
    """Raise unless both give the same numbers, bit by bit."""
    in_memory, on_disk = both(folder, cases.arrays(examples=EXAMPLES, shape=(6,), stored="uint8"))
    start = segment.initialise(cases.spec(**CASE), in_memory).snapshot
    windows = (1024, EXAMPLES + 20)  # normalisation takes statistics of all training examples together
    pairs = zip(found(in_memory, start, CASE, whole), found(on_disk, start, CASE, whole), strict=True)
    for (expected, other), window in zip(pairs, windows, strict=False):
        same_tables(other, expected)
        same(other.snapshot, expected.snapshot)
        assert "window" not in expected.facts
        assert other.facts["window"] == window


def same_tables(other: segment.Segment, expected: segment.Segment) -> None:
    """Raise unless two segments have the same rows, but for their seconds."""
    for name, rows in expected.tables.items():
        assert [untimed(row) for row in other.tables[name]] == [untimed(row) for row in rows]


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
    compare_tokens(Path(sys.argv[1]))
