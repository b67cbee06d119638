"""The data set as training uses it: one tensor that stays in memory, train, validation and test one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import float_type, keras
from batchlab.backend.task_interface import Objective
from batchlab.errors import BatchlabError
from batchlab.sources.contents import NPZ_PROBLEMS, read_archive

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Resident:
    """A data set in memory, with the task that is learnt on it.

    Attributes:
        x: Inputs as stored (bytes stay bytes: a quarter of the memory), shape (all examples, …), training ones first.
        y: Targets of the task's type, shape (all examples, …).
        scale: Inputs are stored values divided by this.
        counts: Number of examples of each split, in the order of `SPLITS`.
        task: Loss and metrics.
        output_shape: Shape of a model's output for one example.
    """

    x: Any
    y: Any
    scale: float
    counts: tuple[int, ...]
    task: Objective
    output_shape: tuple[int, ...]

    @property
    def examples(self) -> int:
        """Number of training examples."""
        return self.counts[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.x.shape[1:])

    def inputs(self, rows: Any) -> Any:
        """Turn stored rows into model inputs of the configured precision."""
        values = keras.ops.cast(rows, float_type())
        return values if self.scale == 1.0 else values / keras.ops.convert_to_tensor(self.scale, float_type())


def from_arrays(arrays: Mapping[str, NDArray[Any]], task: Objective) -> Resident:
    """Make a data set from arrays `x_<split>` and `y_<split>`, the number `scale`, and what the task needs."""
    x = np.concatenate([arrays[f"x_{split}"] for split in SPLITS])
    y = np.concatenate([arrays[f"y_{split}"] for split in SPLITS]).astype(task.target_type)
    x = x.astype(memory_type(x.dtype), copy=False)
    counts = tuple(len(arrays[f"y_{split}"]) for split in SPLITS)
    tensor = keras.ops.convert_to_tensor
    return Resident(tensor(x), tensor(y), float(arrays["scale"]), counts, task, task.output_shape(arrays))


def memory_type(stored: Any) -> str:
    """Return the type that inputs of a stored type have in memory: bytes stay bytes."""
    return "uint8" if stored == np.uint8 else float_type()


def read(path: str, task: Objective) -> Resident:
    """Read a prepared data set without converting it.

    Args:
        path: The `data.npz` that data preparation wrote.
        task: What is learnt on it.

    Raises:
        BatchlabError: The file is missing or damaged.
    """
    try:
        return from_arrays(read_archive(path), task)
    except NPZ_PROBLEMS as problem:
        raise BatchlabError(
            f"{path}: is not an intact prepared data set ({type(problem).__name__}); delete it and run again"
        ) from problem
