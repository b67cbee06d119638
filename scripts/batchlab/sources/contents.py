"""What a reader of a format returns, and how archives of arrays are read."""

from __future__ import annotations

import lzma
import os
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# Examples of shape (examples, …) and their labels of shape (examples,).
Pair = tuple[Array, Array]

# What NumPy raises for a damaged archive. Headers are parsed before the checksum of their member is known, so that
# damage can show as bad syntax or as an array too large for the memory.
NPZ_PROBLEMS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
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
class Contents:
    """The arrays of a data source before they are split.

    Attributes:
        pool: Examples to be split, shape (examples, *input_shape), and their labels, integers from 0 to C - 1.
        test: The test set, likewise, where the source brings one.
        class_names: Names of the classes in the order of their numbers; the numbers themselves if empty.
        validation: The validation set, where the source brings one.
        told: What was understood of the files, as (what, text) for people.
        fill: Whether gaps (NaN) are filled in with the median of the training examples.
    """

    pool: Pair
    test: Pair | None = None
    class_names: tuple[str, ...] = ()
    validation: Pair | None = None
    told: tuple[tuple[str, str], ...] = ()
    fill: bool = False


def plain(x: Array) -> Array:
    """Return values as bytes (if they are), single or double precision: half holds too few digits to divide in."""
    if x.dtype == np.uint8:
        return x
    return x.astype(np.float32 if x.dtype in (np.float16, np.float32, np.bool_) else np.float64)


def read_archive(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return all arrays of an `.npz` archive by name.

    `numpy.load` stops where the header of an array says that it ends. Then a damaged header goes unnoticed, because a
    member's checksum is compared at its end; so each member is read to its end here.

    Raises:
        NPZ_PROBLEMS: The file is missing or damaged.
    """
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
                if member.read(1):
                    raise ValueError(f"{name} holds more than its header says")
    return arrays
