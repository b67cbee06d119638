"""Turn a data set's settings into one file of arrays: fetch, read, check, split, write.

The prepared file is an uncompressed `.npz` archive with x_train, y_train, x_validation, y_validation, x_test, y_test,
scale and classes; `batchlab.sources.dataset` loads it. Values are stored as published, bytes as bytes; features
are values divided by `scale`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.files import atomic_path
from batchlab.sources import readers
from batchlab.sources.catalogue import RegisteredSet
from batchlab.sources.dataset import PARTS, Array
from batchlab.sources.download import Policy, fault_of, fetch
from batchlab.sources.registry import Settings, identity, resolve

_EMBEDDED = Path(__file__).parent

# Examples handled at a time where a pass over the data makes copies in double precision.
_BLOCK = 4096


@dataclass(frozen=True)
class Prepared:
    """A data set ready to be written.

    Attributes:
        arrays: What the file holds, by key.
        facts: What provenance records: name, licence, citation, identity, sizes and names of the classes.
    """

    arrays: dict[str, Array]
    facts: dict[str, Any]


def prepare(dataset: dict[str, Any], downloads: Path, policy: Policy | None = None) -> Prepared:
    """Fetch, read, check and split a data set.

    Args:
        dataset: Settings as `batchlab.sources.registry.resolve` takes them.
        downloads: Folder where fetched files are kept.
        policy: Timeouts and retries of downloads.

    Raises:
        BatchlabError: Wrong settings, a file that cannot be fetched, or a damaged file.
    """
    settings = resolve(dataset)
    if settings.registered is not None:
        pool, test, scale = _read_registered(settings.registered, downloads, policy)
        where, names = settings.registered.name, [str(label) for label in range(settings.shape.classes)]
    else:
        pool, test, scale, names = _read_file(settings)
        where = str(settings.file)
    _check(pool, settings, f"{where}: training set" if test else where)
    if test:
        _check(test, settings, f"{where}: test set")
    parts = _split(pool, test, settings)
    _check_trained(parts["train"][1], names, where)
    if settings.standardise:
        parts, scale = _standardise(parts), 1.0
    arrays = {f"{axis}_{part}": values for part, pair in parts.items() for axis, values in zip("xy", pair, strict=True)}
    arrays |= {"scale": np.array(scale, np.float64), "classes": np.array(settings.shape.classes, np.int64)}
    registered = settings.registered
    facts = {
        "identity": identity(dataset),
        "title": registered.title if registered else Path(where).name,
        "licence": registered.licence if registered else None,
        "citation": registered.citation if registered else None,
        "examples": {part: len(parts[part][1]) for part in PARTS},
        "class_names": names,
    }
    return Prepared(arrays, facts)


def write(target: str | os.PathLike[str], prepared: Prepared) -> None:
    """Write a prepared data set atomically; equal arrays give equal bytes.

    NumPy stamps the members of an archive with the fixed date of 1980-01-01, so the bytes hold no time.
    """
    with atomic_path(target) as temporary:
        np.savez(temporary, allow_pickle=False, **prepared.arrays)


def stratified_order(labels: Array, seed: int) -> Array:
    """Return an order of the examples of which every contiguous stretch has nearly the classes' overall shares.

    Examples are shuffled by the raw output of Philox4x64-10 (Salmon et al. 2011) with key `seed`, whose stream, unlike
    that of `Generator.permutation`, NumPy promises to keep. The r-th of the n_c examples of class c then gets the
    position (r + 1/2) / n_c, and positions are sorted.

    Args:
        labels: Class numbers, shape (examples,).
        seed: Key of the stream.

    Returns:
        Indices, shape (examples,).
    """
    shuffled = np.argsort(np.random.Philox(key=seed).random_raw(len(labels)), kind="stable")
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels[shuffled] == label)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(position, kind="stable")]


Pair = tuple[Array, Array]


def _read_registered(known: RegisteredSet, downloads: Path, policy: Policy | None) -> tuple[Pair, Pair | None, float]:
    """Return (training pool, published test set or None, scale) of a registered set."""
    if known.layout == "embedded":
        path = _EMBEDDED / known.files[0].name
        if fault := fault_of(path, known.files[0]):
            raise BatchlabError(f"{path}: {fault}; restore the file from the repository")
        return readers.read_digits(path), None, known.scale
    paths = list(fetch(known, downloads, policy).values())
    if known.layout == "cifar":
        x_train, y_train, x_test, y_test = readers.read_cifar(paths[0])
    else:
        x_train, x_test = (readers.read_idx(paths[at], readers.IDX_IMAGES)[..., np.newaxis] for at in (0, 2))
        y_train, y_test = (readers.read_idx(paths[at], readers.IDX_LABELS) for at in (1, 3))
    sizes = len(x_train), len(x_test)
    if sizes != (known.examples_train, known.examples_test):
        raise BatchlabError(
            f"{paths[0].parent}: {sizes} training and test images found; "
            f"{(known.examples_train, known.examples_test)} are expected; delete the folder and run again"
        )
    return (x_train, y_train), (x_test, y_test), known.scale


def _read_file(settings: Settings) -> tuple[Pair, Pair | None, float, list[str]]:
    """Return (pool, test set of the file or None, scale, names of the classes) of a user's file."""
    assert settings.file is not None
    test: Pair | None = None
    if settings.file.suffix == ".csv":
        x, y, names = readers.read_csv(settings.file, settings.label or "")
        pool = x, y
    else:
        arrays = readers.read_npz(settings.file)
        names = [str(label) for label in range(settings.shape.classes)]
        if settings.split == "train":
            pool, test = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
        else:
            pool = arrays["x"], arrays["y"]
    default = 255.0 if pool[0].dtype == np.uint8 else 1.0
    pool = _plain(pool[0]), pool[1]
    test = (_plain(test[0]), test[1]) if test else None
    return pool, test, settings.scale or default, names


def _plain(x: Array) -> Array:
    """Return values as bytes (if they are), single or double precision: half holds too few digits to divide in."""
    if x.dtype == np.uint8:
        return x
    return x.astype(np.float32 if x.dtype in (np.float16, np.float32, np.bool_) else np.float64)


def _check(pair: Pair, settings: Settings, where: str) -> None:
    """Raise unless examples and labels are what the settings say: shape, number, finite values, known classes."""
    x, y = pair
    if len(x) != len(y):
        raise BatchlabError(f"{where}: {len(x)} examples, but {len(y)} labels")
    if x.shape[1:] != settings.shape.input_shape:
        raise BatchlabError(f"{where}: examples of shape {x.shape[1:]}; {settings.shape.input_shape} is expected")
    if x.dtype.kind == "f":
        with np.errstate(over="ignore"):
            finite = np.isfinite(x.astype(np.float32)).reshape(len(x), -1).all(axis=1)
        if not finite.all():
            raise BatchlabError(
                f"{where}: {np.count_nonzero(~finite)} of {len(x)} examples hold NaN or infinite values, "
                f"the first at index {int(np.argmin(finite))}; remove or fill them"
            )
    if y.min() < 0 or y.max() >= settings.shape.classes:
        raise BatchlabError(f"{where}: labels from {y.min()} to {y.max()}; allowed: 0 to {settings.shape.classes - 1}")


def _check_trained(labels: Array, names: list[str], where: str) -> None:
    """Raise if no example of a class is trained on; such a class could only be missed."""
    counts = np.bincount(labels, minlength=len(names))
    if not counts.all():
        raise BatchlabError(
            f"{where}: class {names[int(np.argmin(counts))]!r} has too few examples: none is left for training; add "
            "some, take the class out, or lower validation and test"
        )


def _split(pool: Pair, test: Pair | None, settings: Settings) -> dict[str, Pair]:
    """Return the three parts. From the front of the pool's order: training, validation, then test if it is drawn."""
    x, y = pool
    order = np.arange(len(y)) if settings.split == "end" else stratified_order(y, settings.split_seed)
    first = settings.shape.examples_train
    second = first + settings.shape.examples_validation

    def take(start: int, stop: int) -> Pair:
        return x[order[start:stop]], y[order[start:stop]].astype(np.int32)

    last = (test[0], test[1].astype(np.int32)) if test else take(second, len(y))
    return {"train": take(0, first), "validation": take(first, second), "test": last}


def _standardise(parts: dict[str, Pair]) -> dict[str, Pair]:
    """Return the parts in single precision with mean 0 and standard deviation 1 over the training examples.

    Statistics are taken per feature of a vector and per channel of an image; a constant feature becomes 0.
    """
    train = parts["train"][0]
    axes = tuple(range(train.ndim - 1))
    count = train.size // train.shape[-1]
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(train), _BLOCK)]
    mean = sum(train[block].sum(axis=axes, dtype=np.float64) for block in blocks) / count
    variance = sum(np.square(train[block] - mean).sum(axis=axes) for block in blocks) / count
    deviation = np.sqrt(variance)
    # Rounding leaves a trace of spread in a constant feature; dividing by it would make noise of it.
    constant = deviation <= 1e-12 * np.abs(mean)
    deviation = np.where(constant, 1.0, deviation)

    def apply(x: Array) -> Array:
        result = np.empty(x.shape, np.float32)
        for start in range(0, len(x), _BLOCK):
            result[start : start + _BLOCK] = (x[start : start + _BLOCK] - mean) / deviation
        result[..., constant] = 0
        return result

    return {part: (apply(x), y) for part, (x, y) in parts.items()}
