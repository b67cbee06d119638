"""NumPy's archives of arrays: what planning knows of them, without NumPy."""

from __future__ import annotations

import ast
import lzma
import math
import struct
import sys
import zipfile
import zlib
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from batchlab.declarations.source import FileShape, Format
from batchlab.errors import BatchlabError
from batchlab.sources.formats.npz.arrays import arrays_of, check_label_shape, shape_of
from batchlab.sources.keys import SCALE

# The codes of the `array` module for NumPy's integer types, by kind and size in bytes.
_INTEGER_CODES = {"u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q"}

# What zipfile raises for a damaged archive: a bad member is found out late, by the decompressor or the checksum.
_ZIP_PROBLEMS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, KeyError, NotImplementedError, RuntimeError, ValueError),
)


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Read the headers of the examples and the labels, but not the examples."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            used = arrays_of(names, path)
            headers = {name: _read_member(archive, path, name, _header) for name in used if name[0] == "x"}
            labels = {name: _read_member(archive, path, name, _labels) for name in used if name[0] == "y"}
    except _ZIP_PROBLEMS as problem:
        raise BatchlabError(f"{path}: is not an intact .npz archive ({problem})") from None
    if len({descr[1:] == "u1" for descr, _ in headers.values()}) > 1:
        # Bytes are divided by 255, other numbers are not.
        raise BatchlabError(
            f"{path}: one of x_train and x_test holds bytes (uint8), the other does not; save both alike"
        )
    shapes = {name: shape for name, (_, shape) in headers.items()}
    return shape_of(path, shapes, {name: (len(values), set(values)) for name, values in labels.items()})


def _read_member(archive: zipfile.ZipFile, path: Path, name: str, read: Callable[[IO[bytes], str], Any]) -> Any:
    with archive.open(f"{name}.npy") as file:
        return read(file, f"{path}: {name}")


def _header(file: IO[bytes], where: str) -> tuple[str, tuple[int, ...]]:
    """Return (dtype, shape) from the header of an array in NumPy's `.npy` format, versions 1 to 3."""
    start = file.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY":
        raise BatchlabError(f"{where}: is not an array in NumPy's format")
    size = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    try:
        # A header is a short literal; anything long is damage, and parsing it could exhaust the stack.
        header = ast.literal_eval(file.read(size).decode("utf-8").strip()) if size <= 10_000 else {}
        descr, shape = header["descr"], header["shape"]
        valid = isinstance(shape, tuple) and all(isinstance(length, int) and length >= 0 for length in shape)
    except (ValueError, SyntaxError, KeyError, TypeError, UnicodeDecodeError):
        valid = False
    if not valid:
        raise BatchlabError(f"{where}: has a damaged array header")
    if not isinstance(descr, str) or descr[1:2] not in tuple("biuf"):
        raise BatchlabError(f"{where}: holds {descr!r}, not plain numbers; save it as a numeric array")
    return descr, shape


def _labels(file: IO[bytes], where: str) -> array[int]:
    descr, shape = _header(file, where)
    check_label_shape(shape, where)
    if descr[1:] not in _INTEGER_CODES:
        raise BatchlabError(f"{where}: labels must be integers 0 to C-1, not {descr!r}")
    count = math.prod(shape)
    content = file.read()
    if len(content) != count * int(descr[2:]):
        raise BatchlabError(f"{where}: is cut short ({len(content)} bytes for {count} labels)")
    values = array(_INTEGER_CODES[descr[1:]], content)
    if descr[0] == (">" if sys.byteorder == "little" else "<"):
        values.byteswap()
    return values


FORMAT = Format(
    summary="NumPy archive with the arrays `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`",
    suffixes=(".npz",),
    options=(SCALE,),
    inspect=inspect,
)
