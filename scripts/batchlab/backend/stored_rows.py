"""Rows of a prepared data set that stay in its file.

A prepared file is an uncompressed archive, so that each of its arrays lies in one piece: the archive's directory is the
index, and a row is read from its place without reading anything else.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError

# Bytes of a member's header in an archive, before its name and extra field, whose lengths stand at its end.
_HEADER = 30


@dataclass(frozen=True)
class _Piece:
    """An array of the archive: where its first row begins in the file, and its number of rows."""

    offset: int
    rows: int


class StoredRows:
    """The arrays of several splits one after the other, with the shape of one array in memory.

    Args:
        path: A prepared file.
        names: Names of its arrays, all of one type and with rows of one shape.
        dtype: Type of the rows in memory; None for that in the file.

    Raises:
        BatchlabError: The file is not what data preparation wrote.
    """

    def __init__(self, path: str | os.PathLike[str], names: Sequence[str]) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._pieces: list[_Piece] = []
        kinds = set()
        with zipfile.ZipFile(path) as archive:
            for name in names:
                piece, shape, dtype = _piece(archive, name)
                if self._end(piece, shape, dtype) > os.fstat(self._file).st_size:
                    raise BatchlabError(f"{path}: {name} is cut short; delete the file and run again")
                self._pieces.append(piece)
                kinds.add((shape[1:], dtype))
        if len(kinds) != 1:
            raise BatchlabError(f"{path}: its splits differ in type or shape; delete the file and run again")
        (self._row, self.dtype) = kinds.pop()
        self._ends = np.cumsum([piece.rows for piece in self._pieces])
        self.shape = (int(self._ends[-1]), *self._row)

    @staticmethod
    def _end(piece: _Piece, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        return piece.offset + int(np.prod(shape)) * dtype.itemsize

    def __del__(self) -> None:
        """Close the file."""
        os.close(self._file)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in the file."""
        return int(np.prod(self._row)) * self.dtype.itemsize

    def __getitem__(self, rows: slice) -> Any:
        """Return some of the first rows as a tensor of the type in the file."""
        numbers = np.arange(self.shape[0])[rows]
        found = np.empty((len(numbers), *self._row), self.dtype)
        self.read(numbers, found)
        return keras.ops.convert_to_tensor(found)

    def read(self, numbers: NDArray[Any], into: NDArray[Any]) -> None:
        """Read rows by their numbers, in the order of the file, and put them where their numbers stand.

        Args:
            numbers: Shape (rows,).
            into: Array of shape (rows, …), whose type may be another one.
        """
        order = np.argsort(numbers, kind="stable")
        ordered = np.asarray(numbers)[order]
        # Stretches of rows that follow one another in one array of the file.
        breaks = np.flatnonzero((np.diff(ordered) != 1) | np.isin(ordered[1:], self._ends)) + 1
        for stretch in np.split(np.arange(len(ordered)), breaks):
            if not len(stretch):
                continue
            first = int(ordered[stretch[0]])
            number = int(np.searchsorted(self._ends, first, side="right"))
            piece = self._pieces[number]
            place = piece.offset + (first - int(self._ends[number]) + piece.rows) * self.row_bytes
            content = _read(self._file, len(stretch) * self.row_bytes, place)
            into[order[stretch]] = np.frombuffer(content, self.dtype).reshape(-1, *self._row)


def _read(file: int, size: int, place: int) -> bytes:
    parts, left = [], size
    while left:
        part = os.pread(file, left, place)
        if not part:
            raise BatchlabError("a prepared data set ends too early; delete it and run again")
        parts.append(part)
        left, place = left - len(part), place + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _piece(archive: zipfile.ZipFile, name: str) -> tuple[_Piece, tuple[int, ...], np.dtype[Any]]:
    """Return where an array lies in the file, its shape and type."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise BatchlabError(f"{archive.filename}: is compressed; delete it and run again")
    assert archive.fp is not None
    archive.fp.seek(info.header_offset)
    lengths = np.frombuffer(archive.fp.read(_HEADER)[-4:], "<u2")
    start = info.header_offset + _HEADER + int(lengths.sum())
    archive.fp.seek(start)
    version = np.lib.format.read_magic(archive.fp)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(archive.fp)
    if fortran and len(shape) > 1:
        raise BatchlabError(f"{archive.filename}: {name} is stored by columns; delete the file and run again")
    return _Piece(archive.fp.tell(), shape[0]), shape, dtype
