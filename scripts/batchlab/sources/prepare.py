"""Turn a data set into one file of arrays: fetch, read, check, split, write.

The prepared file is an uncompressed `.npz` archive with x_train, y_train, x_validation, y_validation, x_test, y_test,
scale and classes; names, of classes, targets or tokens, where the source has some; and the weights w_train,
w_validation and w_test where targets do not all count alike. Values are stored as published, bytes as bytes; features
are values divided by `scale`. Classes, labels and tokens are int32, target numbers float64.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.declarations.options import with_defaults
from batchlab.declarations.source import Format, Input, Published
from batchlab.declarations.task import SPLITS
from batchlab.errors import BatchlabError
from batchlab.files import atomic_path
from batchlab.sources import understood
from batchlab.sources.contents import Array, Contents, Pair, Part, Taken, plain
from batchlab.sources.download import Policy, fault_of, fetch
from batchlab.sources.fingerprints import compute
from batchlab.sources.spec import PrepareSpec

# Published sets without mirrors are part of the project.
_EMBEDDED = Path(__file__).parent / "published"

# Types of targets in the prepared file.
_TYPES = {"classes": np.int32, "numbers": np.float64, "flags": np.int32, "tokens": np.int32}

# Examples handled at a time where a pass over the data makes copies in double precision.
_BLOCK = 4096


@dataclass(frozen=True)
class Prepared:
    """A data set ready to be written.

    Attributes:
        arrays: What the file holds, by key; large ones as `Taken`.
        facts: What provenance records: name, licence, citation, identity, sizes and names of the classes.
        understood: What was understood of the files (`batchlab.sources.understood`).
    """

    arrays: dict[str, Any]
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
    for split, own in parts.items():
        _check_weights(own, f"{where}: {split} set")
    if spec.get("targets", "classes") == "classes":
        _check_trained(parts["train"].y, names, where)
    filled = 0
    if contents.fill:
        parts, filled = _fill(parts, where)
    # Bytes are pixels unless the settings say otherwise.
    scale = spec["scale"] or (255.0 if contents.pool[0].dtype == np.uint8 else 1.0)
    known = understood.of(facts["title"], contents, parts, names, scale, spec, filled)
    if spec["dataset"]["standardise"]:
        parts, scale = _standardise(parts, where), 1.0
    arrays = {
        f"{what}_{name}": values
        for name, part in parts.items()
        for what, values in zip("xyw", part, strict=True)
        if values is not None
    }
    arrays |= {"scale": np.array(scale, np.float64), "classes": np.array(spec["classes"], np.int64)}
    if contents.class_names:
        arrays["names"] = np.array(names)
    examples = {name: len(part.y) for name, part in parts.items()}
    facts = {"identity": spec["dataset"], **facts, "examples": examples, "class_names": names}
    return Prepared(arrays, facts, known)


def write(target: str | os.PathLike[str], prepared: Prepared) -> None:
    """Write a prepared data set atomically, as `numpy.savez` does, but large arrays block by block.

    Members of the archive have the fixed date of 1980-01-01, so the bytes hold no time and equal arrays give equal
    bytes.
    """
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, values in prepared.arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                if not isinstance(values, Taken):
                    np.lib.format.write_array(member, values, allow_pickle=False)
                    continue
                header = {"descr": values.dtype.str, "fortran_order": False, "shape": values.shape}
                np.lib.format.write_array_header_1_0(member, header)
                for block in values.blocks():
                    member.write(block.tobytes())


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
    if spec.get("targets") == "tokens":
        return _known_tokens(contents, spec["classes"] - 1) if contents.replaces else contents
    x, y = contents.pool
    test, validation = ((plain(pair[0]), pair[1]) if pair else None for pair in (contents.test, contents.validation))
    return replace(contents, pool=(plain(x), y), test=test, validation=validation)


def _known_tokens(contents: Contents, known: int) -> Contents:
    """Return the contents of one pool with tokens from `known` on, which the training part does not have, made one."""
    x, y = contents.pool
    count = np.count_nonzero(y >= known)
    told = (*contents.told, ("Replaced", f"{count:,} characters that no training example has, by one more token"))
    names = (*contents.class_names[:known], "(unseen)")
    return replace(contents, pool=(np.minimum(x, known), np.minimum(y, known)), told=told, class_names=names)


def _check(pair: Pair, contents: Contents, spec: PrepareSpec, where: str) -> None:
    """Raise unless examples and targets are what was planned: shape, number, finite values, known classes."""
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
    if spec.get("targets") in ("numbers", "flags"):
        if y.shape[1:] != (spec["classes"],) or not np.isfinite(y).all():
            raise BatchlabError(f"{where}: {spec['classes']} finite targets of each example are expected")
    elif y.min() < 0 or y.max() >= spec["classes"]:
        raise BatchlabError(f"{where}: labels from {y.min()} to {y.max()}; allowed: 0 to {spec['classes'] - 1}")


def _check_weights(part: Part, where: str) -> None:
    """Raise unless weights, where there are some, are finite, at least 0, and not all 0."""
    if part.weights is None or not len(part.weights):
        return
    shape = part.y.shape if part.weights.ndim > 1 else part.y.shape[:1]
    if part.weights.shape != shape:
        raise BatchlabError(f"{where}: weights of shape {part.weights.shape} do not fit targets of {part.y.shape}")
    if not (np.isfinite(part.weights).all() and part.weights.min() >= 0):
        raise BatchlabError(f"{where}: a weight is negative or no finite number; weights are numbers from 0 on")
    if not part.weights.any():
        raise BatchlabError(f"{where}: all weights are 0, so nothing is learnt or judged; mend the weights")


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


def _split(contents: Contents, spec: PrepareSpec) -> dict[str, Part]:
    """Return the three parts. From the front of the pool's order: training, then validation and test as far as drawn.

    Of the training examples the first ones of a stratified order are used if the campaign chooses a number. Examples
    without classes are drawn all alike.
    """
    targets = spec.get("targets", "classes")

    def part(name: str, pair: Pair) -> Part:
        weights = contents.weights.get(name)
        return Part(pair[0], pair[1].astype(_TYPES[targets]), None if weights is None else weights.astype(np.float32))

    pool = part("pool", contents.pool)
    strata = pool.y if targets == "classes" else np.zeros(len(pool.y), np.int32)
    dataset = spec["dataset"]
    ordered = dataset["split"] in ("end", "given", "position")
    order = np.arange(len(strata)) if ordered else stratified_order(strata, dataset["split_seed"])
    first, validation, _ = spec["examples"]
    second = first if contents.validation else first + validation
    train = order[:first]
    if chosen := dataset.get("examples"):
        # A drawn order is stratified already, so that its front has the classes' shares.
        train = (train[stratified_order(strata[train], dataset["split_seed"])] if ordered else train)[:chosen]
    middle = part("validation", contents.validation) if contents.validation else pool.take(order[first:second])
    last = part("test", contents.test) if contents.test else pool.take(order[second:])
    return dict(zip(SPLITS, (pool.take(train), middle, last), strict=True))


def _fill(parts: dict[str, Part], where: str) -> tuple[dict[str, Part], int]:
    """Return the parts with gaps (NaN) filled in by the median of the training examples, and the number of gaps."""
    train = parts["train"].x
    empty = np.isnan(train).all(axis=0)
    if empty.any():
        raise BatchlabError(
            f"{where}: feature {int(np.argmax(empty)) + 1} has no value in any training example, so its gaps cannot be "
            "filled in; leave it out"
        )
    median = np.nanmedian(train, axis=0)
    gaps = sum(int(np.isnan(part.x).sum()) for part in parts.values())
    filled = {name: part._replace(x=np.where(np.isnan(part.x), median, part.x)) for name, part in parts.items()}
    return filled, gaps


def _standardise(parts: dict[str, Part], where: str) -> dict[str, Part]:
    """Return the parts in single precision with mean 0 and standard deviation 1 over the training examples.

    Statistics are taken per feature of a vector and per channel of an image; a constant feature becomes 0.
    """
    train = parts["train"].x
    if isinstance(train, Taken):
        raise BatchlabError(f"{where}: is too large to be standardised; let the model rescale its inputs")
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

    return {name: part._replace(x=apply(part.x)) for name, part in parts.items()}


def standardise_inputs(
    contents: Contents, spec: PrepareSpec, inputs: Sequence[tuple[Input, slice]], where: str
) -> Contents:
    """Return contents whose examples are rows of several inputs, some of which are standardised, in place.

    Gaps are filled in before, since they have no share in mean and deviation.

    Args:
        contents: What the reader made, in rows.
        spec: How the parts are taken: `dataset`, `examples` and `targets` of the job's settings.
        inputs: Those that are standardised, with their places in a row.
        where: The file, for messages.
    """
    given = {"pool": contents.pool, "validation": contents.validation, "test": contents.test}
    parts = {name: Part(*pair) for name, pair in given.items() if pair is not None}
    parts["train"] = _split(contents, spec)["train"]
    told = contents.told
    if contents.fill:
        gaps = int(np.isnan(contents.pool[0]).sum())
        parts, _ = _fill(parts, where)
        told = (*told, ("Filled in", f"{gaps:,} gaps, by the median of each feature's training examples"))
    for each, place in inputs:
        own = {name: Part(part.x[:, place].reshape(-1, *each.shape), part.y) for name, part in parts.items()}
        for name, part in _standardise(own, f"{where}: inputs.{each.name}").items():
            parts[name].x[:, place] = part.x.reshape(len(part.x), -1)
    done = {name: (parts[name].x, parts[name].y) for name, pair in given.items() if pair is not None}
    return replace(
        contents,
        pool=done["pool"],
        validation=done.get("validation"),
        test=done.get("test"),
        told=told,
        fill=False,
    )
