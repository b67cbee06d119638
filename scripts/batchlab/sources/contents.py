"""What a reader of a format returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# Examples of shape (examples, …) and their labels of shape (examples,).
Pair = tuple[Array, Array]


@dataclass(frozen=True)
class Contents:
    """The arrays of a data source before they are split.

    Attributes:
        pool: Examples to be split, shape (examples, *input_shape), and their labels, integers from 0 to C - 1.
        test: The test set, likewise, where the source brings one.
        class_names: Names of the classes in the order of their numbers; the numbers themselves if empty.
    """

    pool: Pair
    test: Pair | None = None
    class_names: tuple[str, ...] = ()


def plain(x: Array) -> Array:
    """Return values as bytes (if they are), single or double precision: half holds too few digits to divide in."""
    if x.dtype == np.uint8:
        return x
    return x.astype(np.float32 if x.dtype in (np.float16, np.float32, np.bool_) else np.float64)
