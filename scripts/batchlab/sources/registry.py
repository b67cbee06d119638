"""What follows from a data set's settings before any file is fetched: the check, the sizes, the identity.

Standard library only: the planner imports this module whenever Snakemake parses the workflow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from batchlab.errors import BatchlabError, nearest
from batchlab.sources import userfiles
from batchlab.sources.catalogue import REGISTRY, RegisteredSet

_SPLIT_KEYS = ("validation", "test", "split_seed", "standardise")

# Keys that a data set's settings may have, by name of a registered set or by format of a user's file.
ACCEPTED_KEYS: dict[str, tuple[str, ...]] = {
    **{
        item.name: ("name", *(_SPLIT_KEYS if item.layout == "embedded" else ("validation", "standardise")))
        for item in REGISTRY.values()
    },
    "npz": ("file", *_SPLIT_KEYS, "scale"),
    "csv": ("file", "label", *_SPLIT_KEYS, "scale"),
}

# Shares of a user's file that are set aside where the configuration names none.
USER_VALIDATION, USER_TEST = 0.1, 0.2


@dataclass(frozen=True)
class DataShape:
    """Sizes of a prepared data set, known before it is prepared.

    Attributes:
        examples_train: Examples trained on.
        examples_validation: Examples for tuning; may be 0.
        examples_test: Examples for the final judgement.
        input_shape: Shape of one example: (features,) or (height, width, channels).
        classes: Number of classes.
    """

    examples_train: int
    examples_validation: int
    examples_test: int
    input_shape: tuple[int, ...]
    classes: int


@dataclass(frozen=True)
class Settings:
    """A data set's settings, checked and with every default filled in.

    Attributes:
        shape: Sizes after the split.
        registered: The registered set, or `None` for a user's file.
        file: The user's file, or `None` for a registered set.
        label: Column of labels of a CSV file.
        split: `end` (validation = end of the training set), `pool` (validation and test are drawn) or `train`
            (the file brings its test set; validation is drawn from the training set).
        split_seed: Key of the Philox stream that draws; 0 where nothing is drawn.
        standardise: Whether features are standardised with the statistics of the training examples.
        scale: The user's divisor of the stored values, or `None` for the default of the data's type.
    """

    shape: DataShape
    registered: RegisteredSet | None
    file: Path | None
    label: str | None
    split: Literal["end", "pool", "train"]
    split_seed: int
    standardise: bool
    scale: float | None


def resolve(dataset: dict[str, Any]) -> Settings:
    """Check a data set's settings and fill in the defaults.

    Args:
        dataset: Settings from the configuration: `{"name": ...}` or `{"file": ...}` with the keys of `ACCEPTED_KEYS`.

    Returns:
        The settings with sizes. A user's file is looked into; nothing is fetched.

    Raises:
        BatchlabError: An unknown name or key, an impossible value, or an unusable file.
    """
    if ("name" in dataset) == ("file" in dataset):
        raise BatchlabError(
            "data set: needs either the key name or the key file; "
            f"allowed names: {', '.join(sorted(REGISTRY))}; allowed files: .npz, .csv"
        )
    return _resolve_registered(dataset) if "name" in dataset else _resolve_file(dataset)


def describe(dataset: dict[str, Any]) -> DataShape:
    """Return the sizes that the prepared data set will have; see `resolve` for arguments and errors."""
    return resolve(dataset).shape


def identity(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return what decides the prepared numbers, as plain JSON types.

    Two settings with the same identity give the same file: numbers of examples stand for fractions, a user's file is
    represented by the digest of its content (neither path nor time), a registered one by its published digests.
    """
    settings = resolve(dataset)
    common = {
        "validation": settings.shape.examples_validation,
        "test": settings.shape.examples_test,
        "split": settings.split,
        "split_seed": settings.split_seed,
        "standardise": settings.standardise,
    }
    if settings.registered is not None:
        content = {file.name: file.digest for file in settings.registered.files}
        return {"name": settings.registered.name, "content": content, **common}
    assert settings.file is not None
    return {
        "format": settings.file.suffix[1:],
        "sha256": userfiles.digest(settings.file),
        "label": settings.label,
        "scale": settings.scale,
        **common,
    }


def _resolve_registered(dataset: dict[str, Any]) -> Settings:
    name = dataset["name"]
    if name not in REGISTRY:
        raise BatchlabError(
            f"data set: name = {name!r} is unknown{_hint(name, REGISTRY)}; "
            f"allowed: {', '.join(sorted(REGISTRY))} (or a file of yours with the key file)"
        )
    known = REGISTRY[name]
    where = f"data set {name!r}"
    _check_keys(dataset, ACCEPTED_KEYS[name], where)
    if known.layout == "embedded":
        total = known.examples_train
        test = _count(dataset, "test", known.test, total, 1, total - 1, where)
    else:
        total, test = known.examples_train, 0
    validation = _count(dataset, "validation", known.validation, total, 0, total - test - 1, where)
    return Settings(
        shape=DataShape(
            total - test - validation, validation, known.examples_test or test, known.input_shape, known.classes
        ),
        registered=known,
        file=None,
        label=None,
        split="pool" if known.layout == "embedded" else "end",
        split_seed=_seed(dataset, where),
        standardise=_flag(dataset, "standardise", where),
        scale=None,
    )


def _resolve_file(dataset: dict[str, Any]) -> Settings:
    name = dataset["file"]
    kind = Path(name).suffix[1:] if isinstance(name, str) else ""
    if kind not in ("npz", "csv"):
        raise BatchlabError(f"data set: file = {name!r} is not understood; allowed: a path that ends in .npz or .csv")
    file, where = Path(name), f"data set {name!r}"
    _check_keys(dataset, ACCEPTED_KEYS[kind], where)
    label = dataset.get("label")
    if kind == "csv" and not (isinstance(label, str) and label):
        raise BatchlabError(f"{where}: label = {label!r}; name the column that holds the labels")
    found = userfiles.inspect(file, label)
    total = found.examples
    if found.examples_test is None:
        test = taken = _count(dataset, "test", USER_TEST, total, 1, total - 1, where)
    elif "test" in dataset:
        raise BatchlabError(
            f"{where}: test = {dataset['test']!r} is not allowed: the file brings x_test; remove the key"
        )
    else:
        test, taken = found.examples_test, 0
    validation = _count(dataset, "validation", USER_VALIDATION, total, 0, total - taken - 1, where)
    return Settings(
        shape=DataShape(total - taken - validation, validation, test, found.input_shape, found.classes),
        registered=None,
        file=file,
        label=label,
        split="pool" if found.examples_test is None else "train",
        split_seed=_seed(dataset, where),
        standardise=_flag(dataset, "standardise", where),
        scale=_scale(dataset, where),
    )


def _hint(name: object, names: Iterable[str]) -> str:
    close = nearest(name, names)
    return f"; did you mean {close!r}?" if close else ""


def _check_keys(dataset: dict[str, Any], allowed: Sequence[str], where: str) -> None:
    for key in dataset:
        if key not in allowed:
            hint = _hint(key, allowed)
            raise BatchlabError(f"{where}: unknown key {key!r}{hint}; allowed: {', '.join(allowed)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _count(dataset: dict[str, Any], key: str, default: float, total: int, least: int, most: int, where: str) -> int:
    """Return a number of examples that was given as such (integer) or as a fraction of `total` (rounded half up)."""
    value = dataset.get(key, default)
    if not _is_number(value) or (isinstance(value, float) and not 0 <= value < 1):
        raise BatchlabError(
            f"{where}: {key} = {value!r} is not understood; allowed: a number of examples (integer) "
            "or a fraction (0 ≤ fraction < 1)"
        )
    count = value if isinstance(value, int) else math.floor(value * total + 0.5)
    if not least <= count <= most:
        given = f"{value!r}" if isinstance(value, int) else f"{value!r} ({count} examples)"
        hint = "" if key in dataset else f" is the default; set the key {key};"
        raise BatchlabError(
            f"{where}: {key} = {given}{hint or ' is impossible;'} allowed: {least} to {most} of {total} examples"
        )
    return count


def _seed(dataset: dict[str, Any], where: str) -> int:
    value = dataset.get("split_seed", 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise BatchlabError(f"{where}: split_seed = {value!r}; allowed: an integer from 0 to 2**63 - 1")
    return value


def _flag(dataset: dict[str, Any], key: str, where: str) -> bool:
    value = dataset.get(key, False)
    if not isinstance(value, bool):
        raise BatchlabError(f"{where}: {key} = {value!r}; allowed: true, false")
    return value


def _scale(dataset: dict[str, Any], where: str) -> float | None:
    value = dataset.get("scale")
    if value is None:
        return None
    if not _is_number(value) or value <= 0:
        raise BatchlabError(f"{where}: scale = {value!r}; allowed: a positive number, by which the values are divided")
    return float(value)
