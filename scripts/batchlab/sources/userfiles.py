"""Look into data files of the user with the standard library alone, because planning happens while Snakemake parses.

Two layouts are understood. An `.npz` archive holds either `x` and `y`, which are split by batchlab, or `x_train`,
`y_train`, `x_test` and `y_test`. A `.csv` file has a header line, one column of labels and otherwise numbers. The CSV
reader here also serves the preparation of the data, so that counting rows and reading them cannot disagree.
"""

from __future__ import annotations

import ast
import csv
import functools
import lzma
import math
import struct
import sys
import zipfile
import zlib
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from batchlab.errors import BatchlabError
from batchlab.files import sha256_of

POOL = ("x", "y")
GIVEN_SPLIT = ("x_train", "y_train", "x_test", "y_test")

# The codes of the `array` module for NumPy's integer types, by kind and size in bytes.
_INTEGER_CODES = {"u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q"}

# What zipfile raises for a damaged archive: a bad member is found out late, by the decompressor or the checksum.
ZIP_PROBLEMS = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, KeyError, NotImplementedError, RuntimeError, ValueError),
)


@dataclass(frozen=True)
class FileShape:
    """What a user's file holds.

    Attributes:
        examples: Number of examples to be split.
        examples_test: Number of test examples where the file brings its own test set, else `None`.
        input_shape: Shape of one example: `(features,)` or `(height, width, channels)`.
        classes: Number of classes.
    """

    examples: int
    examples_test: int | None
    input_shape: tuple[int, ...]
    classes: int


def _version_of(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except (OSError, ValueError) as problem:  # a zero byte in the name is a ValueError
        reason = getattr(problem, "strerror", None) or problem
        raise BatchlabError(
            f"data set: file = {str(path)!r} cannot be read ({reason}); paths are relative to {Path.cwd()}"
        ) from None
    if not path.is_file():
        raise BatchlabError(f"data set: file = {str(path)!r} is not a file; give the path of an .npz or .csv file")
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=64)
def _digest(path: Path, version: tuple[int, int]) -> str:
    return sha256_of(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, computed once per process for an unchanged file."""
    return _digest(path, _version_of(path))


def inspect(path: Path, label: str | None) -> FileShape:
    """Return what the file holds, without NumPy and without reading the pixels of an `.npz` archive.

    Args:
        path: An `.npz` or `.csv` file.
        label: Name of the column of labels; needed for CSV only.

    Raises:
        BatchlabError: The file is missing, damaged, or cannot be a classification data set.
    """
    return _inspect(path, label, _version_of(path))


@functools.lru_cache(maxsize=64)
def _inspect(path: Path, label: str | None, version: tuple[int, int]) -> FileShape:
    try:
        if path.suffix == ".csv":
            return _inspect_csv(path, label or "")
        return _inspect_npz(path)
    except OSError as problem:
        raise BatchlabError(f"{path}: cannot be read ({problem})") from None


def check_classes(labels: Iterable[int], where: str) -> int:
    """Return the number of classes of distinct integer labels that must be exactly 0 to C - 1 with C ≥ 2."""
    distinct = sorted(set(labels))
    if len(distinct) < 2:
        found = f"only class {distinct[0]}" if distinct else "no example"
        raise BatchlabError(f"{where}: {found} found; a classification data set needs at least two classes")
    if distinct != list(range(len(distinct))):
        raise BatchlabError(
            f"{where}: labels must be the integers 0 to C-1, each in use; found {len(distinct)} values "
            f"from {distinct[0]} to {distinct[-1]}"
        )
    return len(distinct)


def example_shape(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    """Return the shape of one example of an array of examples; grey images without a channel axis get one."""
    if 0 in shape or not shape:
        raise BatchlabError(f"{where}: holds no data (shape {shape})")
    if len(shape) == 2:
        return shape[1:]
    if len(shape) == 3:
        return (*shape[1:], 1)
    if len(shape) == 4:
        return shape[1:]
    raise BatchlabError(
        f"{where}: shape {shape} is not understood; allowed are (examples, features), (examples, height, width) "
        "and (examples, height, width, channels)"
    )


# CSV


def read_csv(path: Path, label: str) -> tuple[list[str], Iterator[tuple[int, str, list[str]]]]:
    """Return the names of the feature columns, and an iterator over (line number, label, feature cells).

    Cells are separated by commas and may be quoted; empty lines are skipped.

    Raises:
        BatchlabError: No rows, no such label column, repeated column names, or (while iterating) a row of another
            length than the header, or an empty label.
    """
    rows = _csv_rows(path)
    _, header = next(rows, (0, list[str]()))
    if not header:
        raise BatchlabError(f"{path}: is empty; a header line with the names of the columns is expected")
    columns = ", ".join(header[:12]) + (", …" if len(header) > 12 else "")
    if label not in header:
        rows.close()
        other = next((sign for sign in (";", "\t", "|") if len(header) == 1 and sign in header[0]), None)
        hint = f"; cells must be separated by commas, not by {other!r}" if other else ""
        raise BatchlabError(f"{path}: label = {label!r} is not a column; the columns are: {columns}{hint}")
    if "" in header:
        rows.close()
        raise BatchlabError(
            f"{path}: column {header.index('') + 1} has no name; remove it if it only counts the rows (pandas: "
            "to_csv(…, index=False)), or name it"
        )
    if len(set(header)) < len(header):
        rows.close()
        raise BatchlabError(f"{path}: column names must differ; the columns are: {columns}")
    if len(header) < 2:
        rows.close()
        raise BatchlabError(f"{path}: has no column beside the label {label!r}; cells are separated by commas")
    at = header.index(label)

    def labelled() -> Iterator[tuple[int, str, list[str]]]:
        with closing(rows):
            for line, row in rows:
                if len(row) != len(header):
                    raise BatchlabError(f"{path}: line {line} has {len(row)} cells, the header has {len(header)}")
                name = row.pop(at).strip()
                if not name:
                    raise BatchlabError(f"{path}: line {line}: the label (column {label!r}) is empty")
                yield line, name, row

    return header[:at] + header[at + 1 :], labelled()


def class_names(labels: Iterable[str], where: str) -> list[str]:
    """Return the distinct labels of a CSV file in the order of their class numbers.

    Labels that are all integers are ordered as numbers, others as text.
    """
    distinct = set(labels)
    if len(distinct) < 2:
        found = f"only the label {min(distinct)!r}" if distinct else "no example"
        raise BatchlabError(f"{where}: {found} found; a classification data set needs at least two classes")
    numbers: dict[float, str] = {}
    for name in sorted(distinct):
        with suppress(ValueError):
            if (other := numbers.setdefault(float(name), name)) != name:
                raise BatchlabError(f"{where}: the labels {other!r} and {name!r} are one number; write them alike")
    try:
        return sorted(distinct, key=lambda name: (int(name), name))
    except ValueError:
        return sorted(distinct)


def check_repeated(examples: int, classes: int, where: str) -> None:
    """Raise if no class has a second example: then the labels are something else, such as a running number."""
    if classes == examples:
        raise BatchlabError(
            f"{where}: each of the {examples} examples has a label of its own; name what holds classes, not numbers "
            "of rows or measurements"
        )


def _csv_rows(path: Path) -> Generator[tuple[int, list[str]], None, None]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = True
            for row in reader:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                yield reader.line_num, [cell.strip() for cell in row] if header else row
                header = False
    except UnicodeDecodeError:
        raise BatchlabError(f"{path}: is not text in UTF-8") from None
    except csv.Error as problem:
        raise BatchlabError(f"{path}: line {reader.line_num}: {problem}") from None


def _inspect_csv(path: Path, label: str) -> FileShape:
    features, rows = read_csv(path, label)
    examples, labels = 0, set()
    for _, name, _ in rows:
        examples += 1
        labels.add(name)
    classes = len(class_names(labels, str(path)))
    check_repeated(examples, classes, f"{path}: label = {label!r}")
    return FileShape(examples, None, (len(features),), classes)


# NPZ


def npz_layout(names: Iterable[str], path: Path) -> tuple[str, ...]:
    """Return the names of the arrays that are used: `POOL` or `GIVEN_SPLIT`."""
    present = set(names)
    for layout in (GIVEN_SPLIT, POOL):
        if present >= set(layout):
            return layout
    raise BatchlabError(
        f"{path}: needs the arrays x and y, or x_train, y_train, x_test and y_test; "
        f"it holds: {', '.join(sorted(present)) or 'nothing'}"
    )


def _inspect_npz(path: Path) -> FileShape:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            layout = npz_layout(names, path)
            headers = {name: _read_member(archive, path, name, _header) for name in layout if name[0] == "x"}
            labels = {name: _read_member(archive, path, name, _labels) for name in layout if name[0] == "y"}
    except ZIP_PROBLEMS as problem:
        raise BatchlabError(f"{path}: is not an intact .npz archive ({problem})") from None
    if len({descr[1:] == "u1" for descr, _ in headers.values()}) > 1:
        # Bytes are divided by 255, other numbers are not.
        raise BatchlabError(
            f"{path}: one of x_train and x_test holds bytes (uint8), the other does not; save both alike"
        )
    shapes = {name: shape for name, (_, shape) in headers.items()}
    return npz_shape(path, shapes, {name: (len(values), set(values)) for name, values in labels.items()})


def npz_shape(path: Path, shapes: dict[str, tuple[int, ...]], labels: dict[str, tuple[int, set[int]]]) -> FileShape:
    """Return what an archive holds, after checking that its arrays fit together.

    Args:
        path: The archive, for messages.
        shapes: Shape of every array of examples, by name.
        labels: Number of labels and the set of distinct labels, by name.
    """
    inputs = {name: example_shape(shape, f"{path}: {name}") for name, shape in shapes.items()}
    for name, shape in shapes.items():
        partner = name.replace("x", "y", 1)
        if labels[partner][0] != shape[0]:
            raise BatchlabError(f"{path}: {name} has {shape[0]} examples, {partner} has {labels[partner][0]} labels")
    if len(set(inputs.values())) > 1:
        raise BatchlabError(f"{path}: x_train and x_test hold examples of different shapes: {inputs}")
    first = next(iter(shapes))
    own = first.replace("x", "y", 1)
    classes = check_classes(labels[own][1], f"{path}: {own}")
    check_repeated(labels[own][0], classes, f"{path}: {own}")
    if unknown := sorted(label for _, found in labels.values() for label in found if not 0 <= label < classes):
        raise BatchlabError(f"{path}: y_test holds the label {unknown[0]}, which no training example has")
    test = shapes["x_test"][0] if "x_test" in shapes else None
    return FileShape(shapes[first][0], test, inputs[first], classes)


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


def check_label_shape(shape: tuple[int, ...], where: str) -> None:
    """Raise unless labels have the shape (examples,) or (examples, 1)."""
    if len(shape) != 1 and not (len(shape) == 2 and shape[1] == 1):
        raise BatchlabError(f"{where}: labels must have the shape (examples,), not {shape}; one-hot is not accepted")
