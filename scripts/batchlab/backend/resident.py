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
        weights: How much each example, or each token of it, counts: on average 1 for each training example; None where
            all count alike.
    """

    x: Any
    y: Any
    scale: float
    counts: tuple[int, ...]
    task: Objective
    output_shape: tuple[int, ...]
    weights: Any = None

    @property
    def examples(self) -> int:
        """Number of training examples."""
        return self.counts[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.x.shape[1:])

    def inputs(self, rows: Any, integers: bool = False) -> Any:
        """Turn stored rows into model inputs of the configured precision, or into integers as they are stored."""
        if integers:
            return keras.ops.cast(rows, "int32")
        values = keras.ops.cast(rows, float_type())
        return values if self.scale == 1.0 else values / keras.ops.convert_to_tensor(self.scale, float_type())


def from_arrays(arrays: Mapping[str, NDArray[Any]], task: Objective) -> Resident:
    """Make a data set from the arrays of a prepared file (see `sources.prepare`) and the task that is learnt on it."""
    x = np.concatenate([arrays[f"x_{split}"] for split in SPLITS])
    x = x.astype(memory_type(x.dtype), copy=False)
    counts = tuple(len(arrays[f"y_{split}"]) for split in SPLITS)
    arrays = {**arrays, **_normalised(arrays)}
    task = task.of(arrays)
    y = np.concatenate([task.targets(arrays[f"y_{split}"]) for split in SPLITS])
    tensor = keras.ops.convert_to_tensor
    weights = None
    if "w_train" in arrays:
        weights = tensor(np.concatenate([arrays[f"w_{split}"] for split in SPLITS]).astype(float_type()))
    return Resident(tensor(x), tensor(y), float(arrays["scale"]), counts, task, task.output_shape(arrays), weights)


def _normalised(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the weights of a data set, if it has any, with an average of 1 for each training example.

    So a loss that is summed over examples and divided by their number is, over the training set, the weighted mean.
    """
    if "w_train" not in arrays:
        return {}
    train = arrays["w_train"].astype(np.float64)
    return {f"w_{split}": arrays[f"w_{split}"].astype(np.float64) * (len(train) / train.sum()) for split in SPLITS}


def memory_type(stored: np.dtype[Any]) -> str:
    """Return the type that inputs of a stored type have in memory: bytes stay bytes, and integers integers."""
    return float_type() if stored.kind == "f" else "uint8" if stored == np.uint8 else "int32"


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
