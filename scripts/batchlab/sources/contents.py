"""What a reader of a format returns, and how archives of arrays are read."""

from __future__ import annotations

import lzma
import math
import mmap
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from batchlab.errors import BatchlabError

Array = npt.NDArray[Any]
# Examples of shape (examples, …) and their targets, see `Contents`.
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
        pool: Examples to be split, shape (examples, *input_shape), and their targets: classes, integers from 0 to
            C - 1, of shape (examples,); numbers of shape (examples, targets); labels, 0 or 1, of shape
            (examples, labels); or tokens, integers from 0, of the examples' own shape (examples, length).
        test: The test set, likewise, where the source brings one.
        class_names: Names of the classes in the order of their numbers, of target numbers, or of tokens; the numbers
            themselves if empty.
        validation: The validation set, where the source brings one.
        told: What was understood of the files, as (what, text) for people.
        fill: Whether gaps (NaN) are filled in with the median of the training examples.
        weights: By part (`pool`, `validation`, `test`) how much each target counts, at least 0: shape (examples,), or
            (examples, length) for tokens; none where all count alike.
        replaces: Whether tokens that the training part does not have become one more token.
    """

    pool: Pair
    test: Pair | None = None
    class_names: tuple[str, ...] = ()
    validation: Pair | None = None
    told: tuple[tuple[str, str], ...] = ()
    fill: bool = False
    weights: Mapping[str, Array] = field(default_factory=dict)
    replaces: bool = False


# Bytes from which on the examples of a reader are put together in a file instead of the memory, and of a block of them.
_LARGE, _BLOCK = 1 << 30, 1 << 26


def room(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """Return an array to be filled by a reader; a large one lies in a file that vanishes with it.

    Raises:
        BatchlabError: There is no room for that file.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < _LARGE:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
        except OSError as problem:
            raise BatchlabError(
                f"{tempfile.gettempdir()} has no room for {size / 1e9:.1f} GB of examples ({problem}); set TMPDIR to a "
                "folder that has"
            ) from None
        return np.memmap(file, dtype, "r+", shape=shape)


def let_go(x: Any) -> None:
    """Give the memory of an array in a file (see `room`) back; its values stay in the file."""
    if isinstance(x, np.memmap) and isinstance(x.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        x.base.madvise(mmap.MADV_DONTNEED)


def stretches(x: Array) -> Iterator[Array]:
    """Yield the rows of an array some at a time; of one in a file, those before are let go."""
    step = max(1, _BLOCK // max(1, x[:1].nbytes))
    for start in range(0, len(x), step):
        yield x[start : start + step]
        let_go(x)


@dataclass(frozen=True)
class Taken:
    """Some rows of an array in a file, in some order; read block by block when they are written."""

    of: Array
    rows: Array

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.of.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the rows together."""
        return (len(self.rows), *self.of.shape[1:])

    def blocks(self) -> Iterator[Array]:
        """Yield the rows, some at a time."""
        step = max(1, _BLOCK // max(1, self.of[:1].nbytes))
        for start in range(0, len(self.rows), step):
            yield np.ascontiguousarray(self.of[self.rows[start : start + step]])
            let_go(self.of)


class Part(NamedTuple):
    """Examples, their targets and, where these count differently, weights of one part."""

    x: Any
    y: Array
    weights: Array | None = None

    def take(self, indices: Array) -> Part:
        """Return some of the examples; of those in a file (see `room`) as `Taken`."""
        x = Taken(self.x, indices) if isinstance(self.x, np.memmap) else self.x[indices]
        return Part(x, self.y[indices], None if self.weights is None else self.weights[indices])


def plain(x: Array) -> Array:
    """Return values as bytes (if they are), single or double precision: half holds too few digits to divide in."""
    if x.dtype == np.uint8:
        return x
    return x.astype(np.float32 if x.dtype in (np.float16, np.float32, np.bool_) else np.float64)


def read_archive(path: str | os.PathLike[str], leave_out: Collection[str] = ()) -> dict[str, Array]:
    """Return all arrays of an `.npz` archive by name, but for some.

    `numpy.load` stops where the header of an array says that it ends. Then a damaged header goes unnoticed, because a
    member's checksum is compared at its end; so each member is read to its end here.

    Raises:
        NPZ_PROBLEMS: The file is missing or damaged.
    """
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.removesuffix(".npy") in leave_out:
                continue
            with archive.open(name) as member:
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
                if member.read(1):
                    raise ValueError(f"{name} holds more than its header says")
    return arrays
