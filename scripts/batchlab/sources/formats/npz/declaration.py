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
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from batchlab.declarations.options import OPTIONAL, Choice
from batchlab.declarations.source import FileShape, Format, Names, Targets
from batchlab.errors import BatchlabError
from batchlab.sources.formats.npz.arrays import (
    ROLES,
    Values,
    arrays_of,
    check_label_shape,
    one_hot_fault,
    shape_of,
)
from batchlab.sources.formats.npz.several import Parts, arrays_of_inputs, shape_of_inputs
from batchlab.sources.formats.npz.targets import check_weights, outputs_of
from batchlab.sources.inputs import wanted
from batchlab.sources.keys import AXES, INPUTS, LABELS, LEAVE_OUT, SCALE

# The codes of the `array` module for NumPy's types, by kind and size in bytes.
_CODES = {
    "u1": "B",
    "i1": "b",
    "u2": "H",
    "i2": "h",
    "u4": "I",
    "i4": "i",
    "u8": "Q",
    "i8": "q",
    "f4": "f",
    "f8": "d",
}
# Bytes of the examples from which planning judges their scale.
_SAMPLE = 1 << 20

# What zipfile raises for a damaged archive: a bad member is found out late, by the decompressor or the checksum.
_ZIP_PROBLEMS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, KeyError, NotImplementedError, RuntimeError, ValueError),
)


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Read the headers and all labels, and the first megabyte of the training examples."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            inputs = wanted(options)
            parts: Parts = {}
            if inputs:
                parts, roles = arrays_of_inputs(names, path, inputs, options)
            else:
                roles = arrays_of(names, path, options)
            targets: Targets = options.get("labels") or "classes"

            def read(holds: str, how: Callable[[IO[bytes], str, int], Any]) -> dict[str, Any]:
                return members({role: name for role, name in roles.items() if role[0] in holds}, how)

            def members(named: Mapping[str, str], how: Callable[[IO[bytes], str, int], Any]) -> dict[str, Any]:
                return {role: _read_member(archive, path, name, how) for role, name in named.items()}

            of_inputs = {name: members(own, _values) for name, own in parts.items()}
            values: dict[str, Values] = read("x", _whole if targets == "tokens" else _values)
            weights: dict[str, Values] = read("w", _values)
            labels: dict[str, Counter[Any]] = read("y", _labels) if targets == "classes" else {}
            others: dict[str, Values] = {}
            if targets != "classes":
                others = read("y", _whole if targets == "tokens" else _values)
    except _ZIP_PROBLEMS as problem:
        raise BatchlabError(f"{path}: is not an intact .npz archive ({problem})") from None
    outputs = outputs_of(path, {**values, **others}, targets) if others else 0
    check_weights(path, values, weights, targets)
    if inputs:
        return shape_of_inputs(path, inputs, parts, roles, of_inputs, labels, options, outputs)[0]
    return shape_of(path, roles, values, labels, options, outputs)[0]


def _read_member(archive: zipfile.ZipFile, path: Path, name: str, read: Callable[[IO[bytes], str, int], Any]) -> Any:
    with archive.open(f"{name}.npy") as file:
        return read(file, f"{path}: {name}", archive.getinfo(f"{name}.npy").file_size)


def _header(file: IO[bytes], where: str, kinds: str) -> tuple[str, tuple[int, ...], bool]:
    """Return (dtype, shape, whether the first axis varies fastest) from a header in NumPy's `.npy` format."""
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
    if not isinstance(descr, str) or descr[1:2] not in tuple(kinds):
        raise BatchlabError(f"{where}: holds {descr!r}, not plain numbers; save it as a numeric array")
    return descr, shape, header.get("fortran_order") is True


def _whole(file: IO[bytes], where: str, length: int) -> Values:
    """Return what the header and all values of an array of tokens say."""
    return _values(file, where, length, length)


def _values(file: IO[bytes], where: str, length: int, sample: int = _SAMPLE) -> Values:
    """Return what the header and the first megabyte of an array of examples say; `length` is that of the member."""
    descr, shape, _ = _header(file, where, "biuf")
    name = where.rpartition(": ")[2]
    size = int(descr[2:])
    if file.tell() + math.prod(shape) * size != length:
        raise BatchlabError(f"{where}: is damaged: its header says {shape}, which its size does not fit; save it again")
    content = file.read(sample - sample % size)
    found = _numbers(descr, content[: len(content) - len(content) % size], where) if descr[1] != "b" else ()
    if not found:
        return Values(name, shape, descr[1:])
    whole = descr[1] in "iu" or all(value == value and abs(value) < 1e9 and value == int(value) for value in found)
    return Values(name, shape, descr[1:], float(min(found)), float(max(found)), whole)


def _labels(file: IO[bytes], where: str, length: int) -> Counter[Any]:
    """Return the number of examples of each label; one-hot labels count as the place of their 1."""
    del length  # all of the member is read
    descr, shape, columns_first = _header(file, where, "biufUS")
    one_hot = check_label_shape(shape, where)
    count, size = math.prod(shape), int(descr[2:]) * (4 if descr[1] == "U" else 1)
    content = file.read()
    if len(content) != count * size:
        raise BatchlabError(f"{where}: is cut short ({len(content)} bytes for {count} labels)")
    if descr[1] in "US":
        if one_hot:
            raise BatchlabError(f"{where}: labels of text must have the shape (examples,), not {shape}")
        encoding = "utf-8" if descr[1] == "S" else f"utf-32-{'be' if descr[0] == '>' else 'le'}"
        cells = (content[start : start + size] for start in range(0, len(content), size))
        try:
            return Counter(cell.decode(encoding).rstrip("\0") for cell in cells)
        except UnicodeDecodeError:
            raise BatchlabError(f"{where}: holds text that cannot be decoded; save it as numpy.str_") from None
    values = [bool(value) for value in content] if descr[1] == "b" else _numbers(descr, content, where)
    if not one_hot:
        return Counter(values)
    examples, classes = shape
    found: Counter[Any] = Counter()
    for row in range(examples):
        hot = values[row::examples] if columns_first else values[row * classes : (row + 1) * classes]
        if sorted(hot)[-2:] != [0, 1] or min(hot) != 0:
            raise one_hot_fault(where, row, hot)
        found[list(hot).index(1)] += 1
    return found


def _numbers(descr: str, content: bytes, where: str) -> Sequence[Any]:
    """Return the numbers of an array from its bytes."""
    if descr[1:] == "f2":
        return struct.unpack(f"{'>' if descr[0] == '>' else '<'}{len(content) // 2}e", content)
    if descr[1:] not in _CODES:
        raise BatchlabError(f"{where}: holds {descr!r}; save it as integers or as single or double precision")
    values = array(_CODES[descr[1:]], content)
    if descr[0] == (">" if sys.byteorder == "little" else "<"):
        values.byteswap()
    return values


FORMAT = Format(
    summary="NumPy archive with the arrays `x`, `y` and perhaps `weights`, or `x_train`, `y_train`, and likewise for "
    "validation and test",
    suffixes=(".npz",),
    options=(
        Names(
            "arrays",
            "names of arrays that are called otherwise, such as `{x: scans, y: states}`",
            OPTIONAL,
            roles=ROLES,
        ),
        LEAVE_OUT,
        replace(
            LABELS,
            meaning=f"{LABELS.meaning}; `tokens`: `y` holds for each token of `x` the one that follows",
            words=(*LABELS.words, "tokens"),
        ),
        Choice(
            "axes",
            "what follows the first axis: `images` (height, width, perhaps channels), `channels_first` (moved to the "
            "end) or `series` (time, features)",
            OPTIONAL,
            words=AXES,
        ),
        SCALE,
        INPUTS,
    ),
    inspect=inspect,
)
