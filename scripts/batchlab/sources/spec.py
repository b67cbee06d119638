"""The settings of the job that prepares a data set."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from batchlab.declarations.source import Targets

# How validation and test examples are taken: `end` (validation is the end of the published training set), `pool`
# (both are drawn), `train` (the file brings its test set; validation is drawn from the training set), `validation` (the
# file brings its validation set; the test set is drawn), `given` (the file brings both) or
# `position` (training, validation and test examples follow one another as they are).
Split = Literal["end", "pool", "train", "validation", "given", "position"]


class PrepareSpec(TypedDict):
    """All that decides a prepared file, as JSON.

    Attributes:
        dataset: The identity of the data set; the digest of it names the folder of the prepared file.
        layout: The format of the files, a folder below `sources/formats/`.
        options: Options of the format that differ from their defaults.
        scale: Divisor of the stored values, or null for the default of their type.
        examples: Numbers of training, validation and test examples.
        input_shape: Shape of one example.
        classes: Number of classes, of target numbers, or of different tokens.
        targets: What is learnt where that is not classes.
        file: Path of a user's file; not part of the job's identity, which has the file's digest.
    """

    dataset: dict[str, Any]
    layout: str
    options: dict[str, Any]
    scale: float | None
    examples: list[int]
    input_shape: list[int]
    classes: int
    targets: NotRequired[Targets]
    file: NotRequired[str]
