"""Read the file formats of data sets into arrays, with every check that the format allows.

No reader runs code from a file: pickles are not read at all, neither in `.npz` archives nor for CIFAR-10, whose binary
version is used.
"""

from __future__ import annotations

import gzip
import lzma
import math
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources import userfiles
from batchlab.sources.dataset import NPZ_PROBLEMS, Array
from batchlab.sources.download import GZIP_PROBLEMS

# The first four bytes of an IDX file: two zeros, the type (8 = unsigned byte), the number of axes.
IDX_IMAGES, IDX_LABELS = 0x0803, 0x0801
_IDX_NAMES = {IDX_IMAGES: "images", IDX_LABELS: "labels"}

_CIFAR_FOLDER = "cifar-10-batches-bin"
_CIFAR_TRAIN = tuple(f"{_CIFAR_FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
_CIFAR_TEST = f"{_CIFAR_FOLDER}/test_batch.bin"
_CIFAR_EXAMPLES, _CIFAR_RECORD = 10_000, 1 + 3 * 32 * 32


def read_idx(path: Path, magic: int) -> Array:
    """Return the array of a gzip-compressed IDX file of unsigned bytes (format of LeCun's MNIST page).

    Args:
        path: The compressed file.
        magic: `IDX_IMAGES` or `IDX_LABELS`.

    Returns:
        Bytes of shape (examples, height, width) or (examples,).
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except GZIP_PROBLEMS as problem:
        raise BatchlabError(f"{path}: is not an intact gzip file ({problem}); delete it to fetch it again") from None
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        what = f"holds {_IDX_NAMES[found]}" if found in _IDX_NAMES else f"is no IDX file (magic number {found:#010x})"
        raise BatchlabError(f"{path}: {what}; {_IDX_NAMES[magic]} are expected")
    start = 4 + 4 * (magic & 0xFF)
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise BatchlabError(
            f"{path}: has {len(content)} bytes; its header of shape {shape} asks for "
            f"{start + math.prod(shape)}; delete it to fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_digits(path: Path) -> tuple[Array, Array]:
    """Return images (examples, 8, 8, 1) with values 0 … 16 and labels of the embedded digits."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.array([[int(cell) for cell in line.split(",")] for line in file], np.uint8)
    return table[:, :64].reshape(-1, 8, 8, 1), table[:, 64]


def read_cifar(path: Path) -> tuple[Array, Array, Array, Array]:
    """Return train images, train labels, test images and test labels of CIFAR-10's binary version.

    Only the six members known by name are read, into memory: nothing of the archive is written to disk under a name
    that the archive chooses. A record is one label byte and the red, green and blue planes of 32 × 32 bytes.

    Returns:
        Images of shape (examples, 32, 32, 3) and labels of shape (examples,), all bytes.
    """
    parts: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name in (*_CIFAR_TRAIN, _CIFAR_TEST) and member.isreg():
                    stream = archive.extractfile(member)
                    # One byte more than expected shows a member that is too long without reading all of it.
                    parts[member.name] = stream.read(_CIFAR_EXAMPLES * _CIFAR_RECORD + 1) if stream else b""
    except (tarfile.TarError, *GZIP_PROBLEMS) as problem:
        raise BatchlabError(f"{path}: is not an intact .tar.gz archive ({problem})") from None
    for name in (*_CIFAR_TRAIN, _CIFAR_TEST):
        if len(parts.get(name, b"")) != _CIFAR_EXAMPLES * _CIFAR_RECORD:
            found = f"has {len(parts[name])} bytes at least" if name in parts else "is missing"
            raise BatchlabError(f"{path}: member {name} {found}; {_CIFAR_EXAMPLES * _CIFAR_RECORD} bytes are expected")

    def decode(names: Sequence[str]) -> tuple[Array, Array]:
        records = np.frombuffer(b"".join(parts[name] for name in names), np.uint8).reshape(-1, _CIFAR_RECORD)
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), records[:, 0].copy()

    return *decode(_CIFAR_TRAIN), *decode([_CIFAR_TEST])


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays x and y, or x_train, y_train, x_test and y_test, of a user's archive.

    Examples have the shape (examples, features) or (examples, height, width, channels); labels (examples,).
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            layout = userfiles.npz_layout(archive.files, path)
            arrays = {name: archive[name] for name in layout}
    except (*NPZ_PROBLEMS, lzma.LZMAError) as problem:
        raise BatchlabError(f"{path}: cannot be read as arrays of numbers ({_first_line(problem)})") from None
    labels: dict[str, tuple[int, set[int]]] = {}
    for name in layout:
        if not isinstance(arrays[name], np.ndarray):  # NumPy hands over a member that is no array as bytes
            raise BatchlabError(f"{path}: {name}: is not an array in NumPy's format; save it again with numpy.savez")
        kinds, wanted = ("iu", "integers 0 to C-1") if name[0] == "y" else ("biuf", "plain numbers")
        if arrays[name].dtype.kind not in kinds:
            raise BatchlabError(f"{path}: {name}: must hold {wanted}, not {arrays[name].dtype}")
        if name[0] == "y":
            userfiles.check_label_shape(arrays[name].shape, f"{path}: {name}")
            arrays[name] = arrays[name].reshape(-1)
            labels[name] = len(arrays[name]), set(np.unique(arrays[name]).tolist())
    shape = userfiles.npz_shape(path, {name: arrays[name].shape for name in layout if name[0] == "x"}, labels)
    return {
        name: value if name[0] == "y" else value.reshape(len(value), *shape.input_shape)
        for name, value in arrays.items()
    }


def read_csv(path: Path, label: str) -> tuple[Array, Array, list[str]]:
    """Return features (examples, columns), labels (examples,) and the names of the classes of a user's CSV file."""
    columns, rows = userfiles.read_csv(path, label)
    values: list[list[float]] = []
    names: list[str] = []
    for line, name, cells in rows:
        values.append([_number(cell, path, line, column) for cell, column in zip(cells, columns, strict=True)])
        names.append(name)
    classes = userfiles.class_names(names, str(path))
    number = {name: index for index, name in enumerate(classes)}
    return np.array(values, np.float64), np.array([number[name] for name in names], np.int64), classes


def _number(cell: str, path: Path, line: int, column: str) -> float:
    try:
        # float() reads 2024_01 as 202401, which no writer of a table means.
        value = float(cell) if "_" not in cell else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        shown = f"holds {cell[:40]!r}" if cell.strip() else "is empty"
        raise BatchlabError(f"{path}: line {line}, column {column!r}: {shown}; a finite number is expected")
    return value


def _first_line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
