"""What follows from a data set's settings before any file is fetched: the check, the sizes, the identity, the job.

Standard library only: planning resolves settings whenever Snakemake parses the workflow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.options import REQUIRED, Option, with_defaults, without_defaults
from batchlab.declarations.source import FileShape, Format, Input, Targets
from batchlab.errors import BatchlabError, unknown
from batchlab.sources import keys
from batchlab.sources.fingerprints import check_there, fingerprint
from batchlab.sources.inputs import wanted as wanted_inputs
from batchlab.sources.labels import MeasuredError
from batchlab.sources.listing import listed_once
from batchlab.sources.spec import PrepareSpec, Split

# Options of formats that every identity of a user's file holds, as null where they are absent. Of others, only what
# differs from the default is part of an identity, so that a new option changes no older one.
_ALWAYS_IDENTIFY = ("label", "scale")

# The key that says what targets are.
_LABELS = "labels"
# The ending of folders among the formats' endings.
_FOLDER = "/"
# Columns that a message names.
_LISTED = 12
# How files in formats that are not read become one that is, by ending.
_WAYS = {
    **{
        suffix: f"write it as a table: pandas.read_{function}).to_csv(…, index=False)"
        for suffix, function in {
            ".xlsx": "excel(…",
            ".xls": "excel(…",
            ".feather": "feather(…",
            ".json": "json(…",
            ".dta": "stata(…",
            ".sav": "spss(…",
            ".h5": "hdf(…",
        }.items()
    },
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz"), "unpack it first"),
    ".npy": "write examples and labels into one file: numpy.savez('mine.npz', x=…, y=…)",
    **dict.fromkeys((".mat", ".pkl", ".pickle"), "load it and write numpy.savez('mine.npz', x=…, y=…)"),
    ".arff": "keep what follows @data as a .csv, below a line with the names of the attributes",
}

# Keys that say what becomes of an array of examples, and that each of several inputs has for itself.
_OF_ONE_ARRAY = ("scale", "standardise", "axes")

# How the rest is split, by whether a file brings its own validation and test set.
_SPLITS: dict[tuple[bool, bool], Split] = {
    (False, False): "pool",
    (False, True): "train",
    (True, False): "validation",
    (True, True): "given",
}


@dataclass(frozen=True)
class DataShape:
    """Sizes of a prepared data set, known before it is prepared.

    Attributes:
        examples_train: Examples trained on, after the key `examples`.
        examples_validation: Examples for tuning; may be 0.
        examples_test: Examples for the final judgement.
        input_shape: Shape of one example: (features,) or (height, width, channels).
        classes: Number of classes, of target numbers, or of different tokens.
        targets: Which of these.
        inputs: Inputs of the model, where it has several; an example is then one row of them.
    """

    examples_train: int
    examples_validation: int
    examples_test: int
    input_shape: tuple[int, ...]
    classes: int
    targets: Targets = "classes"
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True)
class Settings:
    """A data set's settings, checked and with every default filled in.

    Attributes:
        name: Name of the published set; `user` for a user's file.
        file: The user's file, or `None` for a published set.
        layout: The format of the files.
        shape: Sizes after the split.
        split: How validation and test examples are taken.
        split_seed: Key of the Philox stream that draws; 0 where nothing is drawn.
        standardise: Whether features are standardised with the statistics of the training examples.
        scale: Divisor of the stored values, or `None` for the default of the data's type.
        options: Options of the format that differ from their defaults.
        content: What identifies the content: digests of the files.
        examples: Training examples before some were chosen, if the campaign chooses.
    """

    name: str
    file: Path | None
    layout: str
    shape: DataShape
    split: Split
    split_seed: int
    standardise: bool
    scale: float | None
    options: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    examples: int | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What identifies the prepared numbers, as plain JSON types.

        Numbers of examples stand for fractions, digests of the content for files (neither path nor time).
        """
        chosen = {} if self.examples is None else {"examples": self.shape.examples_train}
        return {
            **self.content,
            **chosen,
            "validation": self.shape.examples_validation,
            "test": self.shape.examples_test,
            "split": self.split,
            "split_seed": self.split_seed,
            "standardise": self.standardise,
        }

    @property
    def spec(self) -> PrepareSpec:
        """The settings of the job that prepares the data.

        It holds the identity and what a declaration adds to it. If the scale or the layout of a published set is
        corrected, the folder keeps its name, but the file in it is made again.
        """
        shape = self.shape
        spec: PrepareSpec = {
            "dataset": self.identity,
            "layout": self.layout,
            "options": dict(self.options),
            "scale": self.scale,
            "examples": [self.examples or shape.examples_train, shape.examples_validation, shape.examples_test],
            "input_shape": list(shape.input_shape),
            "classes": shape.classes,
        }
        if shape.targets != "classes":
            spec["targets"] = shape.targets
        if any(said.get("standardise") for said in (self.options.get("inputs") or {}).values()):
            # What is computed of the training examples alone needs to know which these are.
            parts = {"dataset": spec["dataset"], "examples": spec["examples"], "targets": shape.targets}
            spec["options"] = {**spec["options"], "split": parts}
        return spec

    @property
    def source(self) -> dict[str, str]:
        """Where a user's file lies; nothing for a published set. A moved file is the same data set."""
        return {"file": str(self.file)} if self.file else {}

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules that the job loads by name: the reader of the format."""
        return (f"batchlab.sources.formats.{self.layout}.read",)


def resolve(dataset: Mapping[str, Any], wanted: str | None = None) -> Settings:
    """Check a data set's settings and fill in the defaults.

    Args:
        dataset: Settings from the configuration: `{"name": …}` or `{"file": …}`, and the keys that the set or the
            format accepts (`batchlab.sources.keys`).
        wanted: Targets that the campaign's task learns; None where the data decide, by which measured numbers are
            learnt as numbers.

    Returns:
        The settings with sizes. A user's file is looked into; nothing is fetched.

    Raises:
        BatchlabError: An unknown name or key, an impossible value, or an unusable file.
    """
    if ("name" in dataset) == ("file" in dataset):
        raise BatchlabError(
            "data set: needs either the key name or the key file; "
            f"allowed names: {', '.join(sorted(find.published()))}; allowed files: {', '.join(_suffixes())}"
        )
    if "name" in dataset:
        return _resolve_published(dataset)
    with listed_once():
        return _resolve_file(dataset, wanted)


def _suffixes() -> dict[str, list[str]]:
    """Return suffix → formats of users' files, those first that have no key by which they are chosen."""
    found: dict[str, list[str]] = {}
    for name, form in sorted(find.formats().items(), key=lambda item: (item[1].chosen_by, item[0])):
        for suffix in form.suffixes:
            found.setdefault(suffix, []).append(name)
    return found


def _layout(dataset: Mapping[str, Any]) -> str:
    """Return the format of a user's file, by its ending and, where several formats share that, by a key.

    Raises:
        BatchlabError: There is none.
    """
    name, suffixes = dataset["file"], _suffixes()
    layouts = suffixes.get(_ending(name), []) if isinstance(name, str) else []
    if not layouts:
        endings = " or ".join(suffix for suffix in suffixes if suffix != _FOLDER)
        raise BatchlabError(
            f"data set: file = {name!r} is not understood; allowed: a path that ends in {endings}, or a folder of "
            f"images or Parquet files{_elsewhere(name)}"
        )
    if _ending(name) == _FOLDER:
        return _layout_of_folder(Path(name), layouts)
    return next((layout for layout in layouts if find.formats()[layout].chosen_by in dataset), layouts[0])


def _layout_of_folder(folder: Path, layouts: list[str]) -> str:
    """Return the format of a folder, by what is in it."""
    asked = {layout: find.formats()[layout].takes for layout in layouts}
    if folder.is_dir():
        try:
            return next(layout for layout, takes in asked.items() if takes and takes(folder))
        except (OSError, StopIteration):
            pass  # a folder that cannot be read is refused when it is looked into
    return next(layout for layout, takes in asked.items() if takes is None)


def _ending(name: str) -> str:
    """Return the ending of a path by which formats are chosen."""
    if "\0" not in name and Path(name).is_dir():
        return _FOLDER
    return Path(name).suffix.lower() or (_FOLDER if name.endswith(_FOLDER) else "")


def _elsewhere(name: Any) -> str:
    """Return how files of a format that is not read become one that is."""
    way = _WAYS.get(Path(name).suffix.lower()) if isinstance(name, str) else None
    return f"; {way}" if way else ""


def _resolve_published(dataset: Mapping[str, Any]) -> Settings:
    name = dataset["name"]
    if name not in find.published():
        problem = unknown("data set", "name", name, find.published())
        raise BatchlabError(f"{problem} (or a file of yours with the key file)")
    known = find.published()[name]
    where = f"data set {name!r}"
    values = _checked(where, "name", dataset, keys.of_published(known))
    own = {option.name: values[option.name] for option in known.keys if option.name in values}
    found = FileShape(
        known.examples_train, known.examples_test or None, known.input_shape, known.classes, targets=known.targets
    )
    if known.inspect:
        found = known.inspect(own)
    differing = without_defaults(known.keys, own)
    total, drawn = found.examples, 0
    if not found.examples_test:
        drawn = _count(where, "test", values["test"], total, 1, total - 1, "test" in dataset)
    validation = _count(where, "validation", values["validation"], total, 0, total - drawn - 1, "validation" in dataset)
    test, left = found.examples_test or drawn, total - drawn - validation
    train = _chosen(where, values, left)
    return Settings(
        name=name,
        file=None,
        layout=known.layout,
        shape=DataShape(train, validation, test, found.input_shape, found.classes, found.targets),
        examples=left if train < left else None,
        split="position" if found.ordered else "end" if known.examples_test else "pool",
        split_seed=values.get("split_seed", 0),
        standardise=values.get("standardise", False),
        scale=known.scale,
        options={**known.options, **differing},
        content={"name": name, "content": {file.name: file.identity for file in known.files}, **differing},
    )


def _resolve_file(dataset: Mapping[str, Any], wanted: str | None) -> Settings:
    name, layout = dataset["file"], _layout(dataset)
    form, file, where = find.formats()[layout], Path(name), f"data set {name!r}"
    values = _checked(where, "file", dataset, keys.of_file(form), _columns(form, file) + _otherwise(name, layout))
    own = {option.name: values[option.name] for option in form.options if option.name in values}
    if wanted not in (None, "classes") and _LABELS in {option.name for option in form.options}:
        own.setdefault(_LABELS, wanted)
    try:
        found = _inspect(form, file, own)
    except MeasuredError:
        if wanted is not None:
            raise
        # Measured numbers are learnt as numbers; the key stands in the settings from here on.
        own[_LABELS] = "numbers"
        found = _inspect(form, file, own)
    if found.targets == "tokens" and values.get("standardise"):
        raise BatchlabError(f"{where}: standardise: true is for numbers, and tokens are none; remove the key")
    if found.inputs:
        _take_inputs(where, dataset, own, found)
    total, given = found.examples, {"validation": found.examples_validation, "test": found.examples_test}
    for key, brought in given.items():
        if brought is not None and key in dataset:
            raise BatchlabError(
                f"{where}: {key} = {dataset[key]!r} is not allowed: the file brings its own {key} set; remove the key"
            )
    test, validation = found.examples_test, found.examples_validation
    left = total
    if test is None:
        test = _count(where, "test", values["test"], total, 1, left - 1, "test" in dataset)
        left -= test
    if validation is None:
        validation = _count(where, "validation", values["validation"], total, 0, left - 1, "validation" in dataset)
        left -= validation
    train = _chosen(where, values, left)
    classes = found.tokens_in(left) if found.tokens_in else found.classes
    scale = own.pop("scale", None)
    scale = found.scale if scale is None else float(scale)
    differing = without_defaults(form.options, own)
    return Settings(
        name="user",
        file=file,
        layout=layout,
        shape=DataShape(train, validation, test, found.input_shape, classes, found.targets, found.inputs),
        examples=left if train < left else None,
        split="position"
        if found.ordered
        else _SPLITS[found.examples_validation is not None, found.examples_test is not None],
        split_seed=values.get("split_seed", 0),
        standardise=values.get("standardise", False),
        scale=scale,
        options=differing,
        content={
            "format": layout,
            "sha256": fingerprint(file),
            **dict.fromkeys(_ALWAYS_IDENTIFY),
            **differing,
            "scale": scale,
        },
    )


def _take_inputs(where: str, dataset: Mapping[str, Any], own: dict[str, Any], found: FileShape) -> None:
    """Write what each input is in one way, with its scale, into the options of the format.

    Raises:
        BatchlabError: A key of all examples, which are several inputs here.
    """
    for key in _OF_ONE_ARRAY:
        if dataset.get(key) not in (None, False):
            raise BatchlabError(
                f"{where}: {key} is for one array, and there are several inputs; say it of an input, as in inputs: "
                f"{{{found.inputs[0].name}: {{of: …, {key}: …}}}}"
            )
    said = {each.name: each for each in wanted_inputs(own)}
    own["inputs"] = {
        each.name: {
            **(said[each.name].plain if each.name in said else {}),
            **({} if each.holds == "codes" else {"scale": each.scale}),
        }
        for each in found.inputs
    }


def _chosen(where: str, values: Mapping[str, Any], left: int) -> int:
    """Return how many of the training examples are used."""
    if values.get("examples") is None:
        return left
    return _count(where, "examples", values["examples"], left, 1, left, True)


def _inspect(form: Format, file: Path, own: Mapping[str, Any]) -> FileShape:
    check_there(file)
    try:
        return form.inspect(file, own)
    except OSError as problem:
        raise BatchlabError(f"{file}: cannot be read ({problem})") from None


def _columns(form: Format, file: Path) -> str:
    """Return which columns a file has, if it can be told."""
    if form.columns is None or not file.exists():
        return ""
    try:
        names = [name or f"{place} (without a name)" for place, name in enumerate(form.columns(file), 1)]
    except (BatchlabError, OSError):
        return ""
    more = f", … ({len(names)} in all)" if len(names) > _LISTED else ""
    return f"; its columns: {', '.join(names[:_LISTED])}{more}"


def _otherwise(name: str, layout: str) -> str:
    """Return how a file of this ending is read by another format."""
    others = {key: find.formats()[key] for key in _suffixes()[_ending(name)] if key != layout}
    return "".join(f"; or the key {form.chosen_by}, if it is {key}" for key, form in others.items() if form.chosen_by)


def _checked(
    where: str, kind: str, dataset: Mapping[str, Any], accepted: tuple[Option, ...], otherwise: str = ""
) -> dict[str, Any]:
    """Return the values of all options of a data set, defaults filled in."""
    for option in accepted:
        if option.default is REQUIRED and option.name not in dataset:
            raise BatchlabError(f"{where}: the key {option.name} is missing: {option.meaning}{otherwise}")
    by_name = {option.name: option for option in accepted}
    for key, value in dataset.items():
        if key == kind:
            continue
        if key not in by_name:
            raise unknown(where, "key", key, [kind, *by_name])
        if allowed := keys.fault(by_name[key], value):
            raise BatchlabError(f"{where}: {key} = {value!r} is not possible; allowed: {allowed}")
    return with_defaults(accepted, {key: value for key, value in dataset.items() if key != kind})


def _count(where: str, key: str, value: float, total: int, least: int, most: int, given: bool) -> int:
    """Return a number of examples that was given as such (integer) or as a fraction of `total` (rounded half up)."""
    count = value if isinstance(value, int) else math.floor(value * total + 0.5)
    if not least <= count <= most:
        text = f"{value!r}" if isinstance(value, int) else f"{value!r} ({count} examples)"
        hint = " is impossible;" if given else f" is the default; set the key {key};"
        raise BatchlabError(f"{where}: {key} = {text}{hint} allowed: {least} to {most} of {total} examples")
    return count
