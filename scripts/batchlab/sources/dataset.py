"""A prepared data set in memory.

Separate from its preparation, so that training depends on nothing but this: a new mirror or a better error message of
a reader leaves trained models valid.
"""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from batchlab.errors import BatchlabError

Array = npt.NDArray[Any]

PARTS = ("train", "validation", "test")

# What NumPy raises for a damaged archive. Headers are parsed before the checksum of their member is known, so that
# damage can show as bad syntax or as an array too large for the memory.
NPZ_PROBLEMS = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    OSError,
    MemoryError,
    RuntimeError,
)


@dataclass(frozen=True)
class Dataset:
    """A prepared data set in memory.

    Attributes:
        x_train, x_validation, x_test: Features of shape (examples, *input_shape), floating point.
        y_train, y_validation, y_test: Labels of shape (examples,), int32, from 0 to classes - 1.
        input_shape: Shape of one example: (features,) or (height, width, channels).
        classes: Number of classes.
    """

    x_train: Array
    y_train: Array
    x_validation: Array
    y_validation: Array
    x_test: Array
    y_test: Array
    input_shape: tuple[int, ...]
    classes: int


def load(path: str | os.PathLike[str], dtype: npt.DTypeLike = "float32") -> Dataset:
    """Load a prepared data set; features are the stored values divided by the stored scale.

    Args:
        path: A file written by `write`.
        dtype: Floating-point type of the features.

    Raises:
        BatchlabError: The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        # Converted first: a division of bytes would be done in half or double precision, whatever was asked for.
        scale = np.dtype(dtype).type(arrays["scale"])
        x = {part: arrays[f"x_{part}"].astype(dtype) for part in PARTS}
        y = {part: arrays[f"y_{part}"].astype(np.int32) for part in PARTS}
        classes = int(arrays["classes"])
    except NPZ_PROBLEMS as problem:
        raise BatchlabError(
            f"{path}: is not an intact prepared data set ({type(problem).__name__}); delete it and run again"
        ) from None
    if scale != 1:
        for values in x.values():
            np.divide(values, scale, out=values)
    return Dataset(
        x_train=x["train"],
        y_train=y["train"],
        x_validation=x["validation"],
        y_validation=y["validation"],
        x_test=x["test"],
        y_test=y["test"],
        input_shape=x["train"].shape[1:],
        classes=classes,
    )
