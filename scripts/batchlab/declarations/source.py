"""The declarations of data sources: published data sets, and the formats of data files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from batchlab.declarations.options import Option, Schema

# What is learnt of a data set: one of several classes of each example; numbers; which labels apply, any number of
# them; or a token for each token.
Targets = Literal["classes", "numbers", "flags", "tokens"]


# Names of inputs, as Keras takes them.
INPUT_NAME = "^[A-Za-z][A-Za-z0-9_]*$"
# What the values of an input are: numbers, whole numbers, or numbers from 0 that stand for words.
Holds = Literal["numbers", "integers", "codes"]


@dataclass(frozen=True)
class Input:
    """One of several inputs of a model. The data set keeps them side by side, in the order of their names.

    Attributes:
        name: Name of the `keras.Input`.
        shape: Shape for one example.
        holds: What its values are.
        scale: Divisor of the stored values.
    """

    name: str
    shape: tuple[int, ...]
    holds: Holds = "numbers"
    scale: float = 1.0


@dataclass(frozen=True)
class RemoteFile:
    """One downloadable file and the digest by which it is judged.

    Attributes:
        name: Canonical file name, the same at every mirror.
        content_sha256: SHA-256 of the decompressed content. It stays true for a mirror that compressed the file anew.
        archive_sha256: SHA-256 of the file as it is; used where the digest of the content is not known.
        named_by: What stands for the file in the identity of the data, where that is not its digest: results that were
            made before the digest of the content was known keep their names.
    """

    name: str
    content_sha256: str = ""
    archive_sha256: str = ""
    named_by: str = ""

    @property
    def digest(self) -> str:
        """The digest that decides, preferably that of the content."""
        return self.content_sha256 or self.archive_sha256

    @property
    def identity(self) -> str:
        """What stands for the file in the identity of the data."""
        return self.named_by or self.digest


@dataclass(frozen=True)
class Published:
    """A published data set; its name is that of its file below `sources/published/`.

    Attributes:
        title: Name in figures and texts.
        input_shape: Shape of one example: (features,) or (height, width, channels).
        classes: Number of classes, or of what `targets` says.
        examples_train: Examples in the published training set, before validation examples are taken from it.
        examples_test: Examples in the published test set; 0 for a set that was published as one pool.
        scale: Stored values are divided by it.
        validation: Validation examples where the configuration names no number; a number, or a fraction.
        test: Test examples drawn from the pool where the configuration names no number; 0 where the test set is given.
        layout: Format of the files: the name of a folder below `sources/formats/`.
        files: The files, in the order in which the format reads them.
        mirrors: Base URLs, tried in turn; none if the files are part of the project and lie beside the declaration.
        licence: Licence as far as its authors state one.
        citation: The publication to cite.
        options: Options of the format.
        keys: Keys of a data set that the format reads, for a set that is generated.
        inspect: Sizes by the values of `keys`, where they decide them.
        targets: What is learnt.
    """

    title: str
    input_shape: tuple[int, ...]
    classes: int
    examples_train: int
    examples_test: int
    scale: float
    validation: float
    test: float
    layout: str
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    licence: str
    citation: str
    options: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[Option, ...] = ()
    inspect: Callable[[Mapping[str, Any]], FileShape] | None = None
    targets: Targets = "classes"


@dataclass(frozen=True)
class FileShape:
    """What a user's file holds.

    Attributes:
        examples: Number of examples to be split.
        examples_test: Number of test examples where the file brings its own test set, else `None`.
        input_shape: Shape of one example: `(features,)`, `(time, features)` or `(height, width, channels)`.
        classes: Number of classes, of target numbers, or of different tokens.
        examples_validation: Number of validation examples where the file brings its own, else `None`.
        scale: Divisor of the stored values where that is not the default of their type (255 for bytes, else 1).
        targets: What is learnt.
        ordered: Whether parts are taken by position: training examples first, then those for validation and test.
        tokens_in: Number of different tokens in so many examples from the first on, where the training part decides
            `classes`.
        inputs: The inputs of the model in the order of their names, where it has several; an example is then one row,
            in which they lie one after the other.
    """

    examples: int
    examples_test: int | None
    input_shape: tuple[int, ...]
    classes: int
    examples_validation: int | None = None
    scale: float | None = None
    targets: Targets = "classes"
    ordered: bool = False
    tokens_in: Callable[[int], int] | None = None
    inputs: tuple[Input, ...] = ()


def _not_inspected(path: Path, options: Mapping[str, Any]) -> FileShape:
    raise NotImplementedError(f"{path}: a format of users' files declares how to inspect one")


@dataclass(frozen=True)
class Format:
    """A format of data files; its name is that of its folder below `sources/formats/`.

    The folder's `read.py` has `read(paths, options)`, which returns `batchlab.sources.contents.Contents`.

    Attributes:
        summary: What such a file is, for the manual.
        suffixes: Endings of users' files in this format, such as `.npz`, or a slash for folders; none if only published
            sets come in it.
        options: Keys of a data set that this format reads.
        chosen_by: A key that chooses this format where another one has the same ending.
        takes: Returns whether a folder is in this format; without it, folders are that no other format takes.
        without: Keys of all data sets that mean nothing here.
        inspect: Looks into a user's file while the campaign is planned, with the standard library alone. Takes its path
            and the complete options; raises `BatchlabError` for a file that cannot be used.
        columns: Names the columns of a file, for the message where a key that chooses one is missing.
    """

    summary: str
    suffixes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    chosen_by: str = ""
    takes: Callable[[Path], bool] | None = None
    without: tuple[str, ...] = ()
    inspect: Callable[[Path, Mapping[str, Any]], FileShape] = _not_inspected
    columns: Callable[[Path], Sequence[str]] | None = None


@dataclass(frozen=True)
class Share(Option):
    """A number of examples (an integer), or a fraction of those that are split; `least` examples at least."""

    least: int = 0

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        fraction = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
        return {"anyOf": [{"type": "integer", "minimum": self.least}, fraction]}


@dataclass(frozen=True)
class Place(Option):
    """A column of a table: its name, or its number from 1; negative numbers count from the last."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "not": {"const": 0}}]}


@dataclass(frozen=True)
class Places(Place):
    """One or several columns or arrays, each by name or number."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        one = super().schema()
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}


@dataclass(frozen=True)
class Words(Option):
    """A list of texts; the empty one is allowed."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


@dataclass(frozen=True)
class Names(Option):
    """Names by role, such as `{x: images, y: labels}`; `roles` may be named, each once."""

    roles: tuple[str, ...] = ()

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        text = {"type": "string", "minLength": 1}
        properties = dict.fromkeys(self.roles, text)
        return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


@dataclass(frozen=True)
class Inputs(Option):
    """The inputs of a model by name: an array or columns, or these as `of` beside keys that say more of them."""

    axes: tuple[str, ...] = ()

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        of = Places(self.name, self.meaning).schema()
        keys = {
            "of": of,
            "scale": {"type": "number", "exclusiveMinimum": 0},
            "standardise": {"type": "boolean"},
            "codes": {"type": "boolean"},
            "axes": {"enum": list(self.axes)},
        }
        more = {"type": "object", "properties": keys, "additionalProperties": False, "minProperties": 1}
        named = {"propertyNames": {"pattern": INPUT_NAME}, "additionalProperties": {"anyOf": [*of["anyOf"], more]}}
        return {"type": "object", "minProperties": 1, **named}


@dataclass(frozen=True)
class Sides(Option):
    """Height and width in pixels: one number for both, or a list of two."""

    def schema(self) -> Schema:
        """Return the JSON schema of the option's values."""
        side = {"type": "integer", "minimum": 1, "maximum": 4096}
        return {"anyOf": [side, {"type": "array", "items": side, "minItems": 2, "maxItems": 2}]}
