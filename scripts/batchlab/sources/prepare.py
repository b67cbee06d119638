"""Turn a data set into one file of arrays: fetch, read, check, split, write.

The prepared file is an uncompressed `.npz` archive with x_train, y_train, x_validation, y_validation, x_test, y_test,
scale and classes. Values are stored as published, bytes as bytes; features are values divided by `scale`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.declarations.options import with_defaults
from batchlab.declarations.source import Format, Published
from batchlab.declarations.task import SPLITS
from batchlab.errors import BatchlabError
from batchlab.files import atomic_path
from batchlab.sources import understood
from batchlab.sources.contents import Array, Contents, Pair, plain
from batchlab.sources.download import Policy, fault_of, fetch
from batchlab.sources.fingerprints import compute
from batchlab.sources.spec import PrepareSpec

# Published sets without mirrors are part of the project.
_EMBEDDED = Path(__file__).parent / "published"

# Examples handled at a time where a pass over the data makes copies in double precision.
_BLOCK = 4096


@dataclass(frozen=True)
class Prepared:
    """A data set ready to be written.

    Attributes:
        arrays: What the file holds, by key.
        facts: What provenance records: name, licence, citation, identity, sizes and names of the classes.
        understood: What was understood of the files (`batchlab.sources.understood`).
    """

    arrays: dict[str, Array]
    facts: dict[str, Any]
    understood: dict[str, Any]


def prepare(spec: PrepareSpec, downloads: Path, policy: Policy | None = None) -> Prepared:
    """Fetch, read, check and split a data set.

    Args:
        spec: What `batchlab.sources.settings.Settings.spec` says, and the path of a user's file.
        downloads: Folder where fetched files are kept.
        policy: Timeouts and retries of downloads.

    Raises:
        BatchlabError: A file that cannot be fetched, is damaged, or is not the one that was planned.
    """
    paths, facts = _locate(spec, downloads, policy)
    contents = _read(spec, paths)
    where = spec.get("file") or str(spec["dataset"]["name"])
    names = list(contents.class_names or map(str, range(spec["classes"])))
    given = {"validation": contents.validation, "test": contents.test}
    brings = any(pair is not None for pair in given.values())
    _check(contents.pool, contents, spec, f"{where}: training set" if brings else where)
    for part, pair in given.items():
        if pair is not None:
            _check(pair, contents, spec, f"{where}: {part} set")
    _check_sizes(contents, spec, paths[0].parent if paths else downloads)
    parts = _split(contents, spec)
    _check_trained(parts["train"][1], names, where)
    filled = 0
    if contents.fill:
        parts, filled = _fill(parts, where)
    # Bytes are pixels unless the settings say otherwise.
    scale = spec["scale"] or (255.0 if contents.pool[0].dtype == np.uint8 else 1.0)
    known = understood.of(facts["title"], contents, parts, names, scale, spec, filled)
    if spec["dataset"]["standardise"]:
        parts, scale = _standardise(parts), 1.0
    arrays = {f"{axis}_{part}": values for part, pair in parts.items() for axis, values in zip("xy", pair, strict=True)}
    arrays |= {"scale": np.array(scale, np.float64), "classes": np.array(spec["classes"], np.int64)}
    examples = {part: len(labels) for part, (_, labels) in parts.items()}
    facts = {"identity": spec["dataset"], **facts, "examples": examples, "class_names": names}
    return Prepared(arrays, facts, known)


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


def _locate(spec: PrepareSpec, downloads: Path, policy: Policy | None) -> tuple[list[Path], dict[str, Any]]:
    """Return the files of a data set, whose content is the planned one, and what provenance records of the set."""
    if "file" in spec:
        path = Path(spec["file"])
        # What is computed is also written down: a change that planning did not see is seen when it starts again.
        if compute(path) != spec["dataset"]["sha256"]:
            raise BatchlabError(f"{path}: has changed since this run was planned; start it again")
        return [path], {"title": path.name, "licence": None, "citation": None}
    name = spec["dataset"]["name"]
    # By name, so that no other published set is part of this job.
    source: Published = import_module(f"batchlab.sources.published.{name}").SOURCE
    facts = {"title": source.title, "licence": source.licence, "citation": source.citation}
    if source.mirrors or not source.files:
        return list(fetch(name, source, downloads, policy).values()), facts
    paths = [_EMBEDDED / file.name for file in source.files]
    for path, file in zip(paths, source.files, strict=True):
        if fault := fault_of(path, file):
            raise BatchlabError(f"{path}: {fault}; restore the file from the repository")
    return paths, facts


def _read(spec: PrepareSpec, paths: Sequence[Path]) -> Contents:
    """Return the arrays of a data set, read by its format; features are bytes, single or double precision."""
    folder = f"batchlab.sources.formats.{spec['layout']}"
    form: Format = import_module(f"{folder}.declaration").FORMAT
    contents: Contents = import_module(f"{folder}.read").read(paths, with_defaults(form.options, spec["options"]))
    x, y = contents.pool
    test, validation = ((plain(pair[0]), pair[1]) if pair else None for pair in (contents.test, contents.validation))
    return replace(contents, pool=(plain(x), y), test=test, validation=validation)


def _check(pair: Pair, contents: Contents, spec: PrepareSpec, where: str) -> None:
    """Raise unless examples and labels are what was planned: shape, number, finite values, known classes."""
    x, y = pair
    input_shape = tuple(spec["input_shape"])
    if len(x) != len(y):
        raise BatchlabError(f"{where}: {len(x)} examples, but {len(y)} labels")
    if x.shape[1:] != input_shape:
        raise BatchlabError(f"{where}: examples of shape {x.shape[1:]}; {input_shape} is expected")
    if x.dtype.kind == "f":
        with np.errstate(over="ignore"):
            good: Array = np.isfinite(x.astype(np.float32))
        if contents.fill:
            good |= np.isnan(x)
        finite = good.reshape(len(x), -1).all(axis=1)
        if not finite.all():
            raise BatchlabError(
                f"{where}: {np.count_nonzero(~finite)} of {len(x)} examples hold NaN or infinite values, "
                f"the first at index {int(np.argmin(finite))}; remove or fill them"
            )
    if y.min() < 0 or y.max() >= spec["classes"]:
        raise BatchlabError(f"{where}: labels from {y.min()} to {y.max()}; allowed: 0 to {spec['classes'] - 1}")


def _check_trained(labels: Array, names: list[str], where: str) -> None:
    """Raise if no example of a class is trained on; such a class could only be missed."""
    counts = np.bincount(labels, minlength=len(names))
    if not counts.all():
        raise BatchlabError(
            f"{where}: class {names[int(np.argmin(counts))]!r} has too few examples: none is left for training; add "
            "some, take the class out, or lower validation and test"
        )


def _check_sizes(contents: Contents, spec: PrepareSpec, folder: Path) -> None:
    """Raise unless there are as many examples as planned."""
    train, validation, test = spec["examples"]
    planned = (
        train + (0 if contents.validation else validation) + (0 if contents.test else test),
        validation if contents.validation else 0,
        test if contents.test else 0,
    )
    found = (
        len(contents.pool[1]),
        len(contents.validation[1]) if contents.validation else 0,
        len(contents.test[1]) if contents.test else 0,
    )
    if found != planned:
        raise BatchlabError(
            f"{folder}: {found} training, validation and test examples found; {planned} are expected; delete the "
            "folder and run again"
        )


def _split(contents: Contents, spec: PrepareSpec) -> dict[str, Pair]:
    """Return the three parts. From the front of the pool's order: training, then validation and test as far as drawn.

    Of the training examples the first ones of a stratified order are used if the campaign chooses a number.
    """
    x, y = contents.pool
    dataset = spec["dataset"]
    ordered = dataset["split"] in ("end", "given")
    order = np.arange(len(y)) if ordered else stratified_order(y, dataset["split_seed"])
    first, validation, _ = spec["examples"]
    second = first if contents.validation else first + validation

    def take(indices: Array) -> Pair:
        return x[indices], y[indices].astype(np.int32)

    def given(pair: Pair) -> Pair:
        return pair[0], pair[1].astype(np.int32)

    train = order[:first]
    if chosen := dataset.get("examples"):
        # A drawn order is stratified already, so that its front has the classes' shares.
        train = (train[stratified_order(y[train], dataset["split_seed"])] if ordered else train)[:chosen]
    middle = given(contents.validation) if contents.validation else take(order[first:second])
    last = given(contents.test) if contents.test else take(order[second:])
    return dict(zip(SPLITS, (take(train), middle, last), strict=True))


def _fill(parts: dict[str, Pair], where: str) -> tuple[dict[str, Pair], int]:
    """Return the parts with gaps (NaN) filled in by the median of the training examples, and the number of gaps."""
    train = parts["train"][0]
    empty = np.isnan(train).all(axis=0)
    if empty.any():
        raise BatchlabError(
            f"{where}: feature {int(np.argmax(empty)) + 1} has no value in any training example, so its gaps cannot be "
            "filled in; leave it out"
        )
    median = np.nanmedian(train, axis=0)
    gaps = sum(int(np.isnan(x).sum()) for x, _ in parts.values())
    return {part: (np.where(np.isnan(x), median, x), y) for part, (x, y) in parts.items()}, gaps


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
