"""The keys of a data set: those that all have, and those that a published set or a file of one format accepts."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchlab.declarations.options import OPTIONAL, REQUIRED, Choice, Count, Flag, Number, Option, Text
from batchlab.declarations.source import (
    INPUT_NAME,
    Format,
    Inputs,
    Names,
    Place,
    Places,
    Published,
    Share,
    Sides,
    Words,
)
from batchlab.errors import BatchlabError

VALIDATION = Share("validation", "examples for tuning: a number, or a fraction of those that are split", 0.1)
TEST = Share("test", "examples for the final judgement, likewise; at least 1", 0.2, least=1)
SPLIT_SEED = Count("split_seed", "key of the permutation that draws them", 0, least=0, most=2**63 - 1)
STANDARDISE = Flag(
    "standardise",
    "`true`: subtract the mean and divide by the standard deviation of the training examples, per feature of a vector "
    "or per channel of an image",
    False,
)
EXAMPLES = Share(
    "examples",
    "training examples that are used: a number, or a fraction; a part in which every class has its share, and which "
    "every larger one contains",
    OPTIONAL,
    least=1,
)
COMMON = (EXAMPLES, VALIDATION, TEST, SPLIT_SEED, STANDARDISE)
# For formats of plain numbers.
SCALE = Number(
    "scale",
    "number by which the stored values are divided; without it 255 for images of unsigned bytes, else 1",
    OPTIONAL,
    above=0,
)
LABELS = Choice(
    "labels",
    "`numbers`: numbers are learnt (regression); `classes`: numbers are names of classes even if they look like "
    "measurements; `flags`: columns of 0 and 1, any number of which may be 1",
    OPTIONAL,
    words=("classes", "numbers", "flags"),
)
LEAVE_OUT = Places("leave_out", "columns or arrays that are not used", OPTIONAL)
# What follows the first axis of an array of examples.
AXES = ("images", "channels_first", "series")
# For a model that has several inputs.
INPUTS = Inputs(
    "inputs",
    "the inputs of a model that has several, by name: `{image: scans}` names an array, `{person: [age, weight]}` "
    "columns; `{person: {of: [age, weight], standardise: true}}` says more, with `scale`, `standardise`, `codes` (of "
    "columns: words or numbers become whole numbers from 0) and `axes` (of arrays)",
    OPTIONAL,
    axes=AXES,
)
# What every table of rows and columns takes, whatever its file.
TABLE: tuple[Option, ...] = (
    Places(
        "label",
        "the column that holds the labels, by name or number; a list of one-hot columns, or of what `labels` says",
        REQUIRED,
    ),
    LABELS,
    Place("weight", "the column that says how much each row counts, at least 0", OPTIONAL),
    LEAVE_OUT,
    Places("categories", "columns whose values are names, each of which becomes a feature of 0 and 1", OPTIONAL),
    Choice(
        "missing",
        "what becomes of gaps: `drop` leaves the row out, `impute` fills in the training set's median and makes a "
        "category of missing words",
        "refuse",
        words=("refuse", "drop", "impute"),
    ),
    INPUTS,
)


class UncountedError(BatchlabError):
    """Sizes that planning cannot see, which keys of the data set say.

    Attributes:
        keys: These keys with their values, if they were counted.
    """

    def __init__(self, message: str, keys: Mapping[str, int]) -> None:
        super().__init__(message)
        self.keys = dict(keys)


def of_published(source: Published) -> tuple[Option, ...]:
    """Return the keys that a published set accepts; where its test set is given, nothing is drawn."""
    validation = replace(VALIDATION, default=source.validation)
    if source.targets == "tokens":
        return *source.keys, EXAMPLES, validation, replace(TEST, default=source.test)
    if source.examples_test:
        return *source.keys, EXAMPLES, validation, STANDARDISE
    return *source.keys, EXAMPLES, validation, replace(TEST, default=source.test), SPLIT_SEED, STANDARDISE


def of_file(form: Format) -> tuple[Option, ...]:
    """Return the keys that a user's file of a format accepts."""
    return *form.options, *(option for option in COMMON if option.name not in form.without)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def fault(option: Option, value: Any) -> str | None:
    """Return what is allowed instead of `value`, or `None` if the option takes it.

    How many examples a share may be depends on the data, and is not looked at here.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    match option:
        case _ if value is None and option.default in (None, OPTIONAL):
            fits, allowed = True, ""
        case Flag():
            fits, allowed = isinstance(value, bool), "true or false"
        case Text():
            fits, allowed = isinstance(value, str) and value != "", "text"
        case Places():
            listed = value if isinstance(value, list) else [value]
            fits = bool(listed) and all(_is_place(item) for item in listed)
            allowed = "names, or numbers from 1 (from the last if negative)"
        case Place():
            fits = _is_place(value)
            allowed = "a name, or a number from 1 (from the last if negative)"
        case Sides():
            sides = value if isinstance(value, list) else [value, value]
            fits = len(sides) == 2 and all(type(side) is int and 1 <= side <= 4096 for side in sides)
            allowed = "a number of pixels up to 4096, or two of them: [height, width]"
        case Words():
            fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
            allowed = "a list of texts"
        case Names(roles=roles):
            fits = isinstance(value, dict) and bool(value) and value.keys() <= set(roles)
            fits = fits and all(isinstance(item, str) and item for item in value.values())
            allowed = f"names by role; roles are {', '.join(roles)}"
        case Inputs():
            fits = isinstance(value, dict) and bool(value) and all(_is_input(*item) for item in value.items())
            allowed = (
                "names of letters, digits and _, each with an array or columns, or with some of of, scale (above 0), "
                f"standardise, codes (true or false) and axes ({', '.join(AXES)})"
            )
        case Choice(words=words):
            fits, allowed = value in words, ", ".join(map(str, words))
        case Share():
            fits = whole or (is_number(value) and 0 <= value < 1)
            allowed = "a number of examples (integer) or a fraction (0 ≤ fraction < 1)"
        case Count(least=least, most=most):
            fits, allowed = whole and least <= value <= most, f"an integer from {least} to {_power(most)}"
        case Number():
            limits = (
                ("more than", option.above, operator.gt),
                ("at least", option.least, operator.ge),
                ("at most", option.most, operator.le),
            )
            given = [(words, limit, holds) for words, limit, holds in limits if limit is not None]
            fits = is_number(value) and all(holds(value, limit) for _, limit, holds in given)
            allowed = ", ".join(["a number", *(f"{words} {limit:g}" for words, limit, _ in given)])
        case _:
            raise TypeError(f"{option.name}: options of type {type(option).__name__} are not for data sets")
    return None if fits else allowed


def _is_place(value: Any) -> bool:
    """Return whether a value names or numbers a column."""
    if isinstance(value, str):
        return value != ""
    return isinstance(value, int) and not isinstance(value, bool) and value != 0


def _is_input(name: Any, said: Any) -> bool:
    """Return whether a name and what is said of it are an input of a model."""
    if not isinstance(name, str) or not re.fullmatch(INPUT_NAME, name):
        return False
    if not isinstance(said, dict):
        said = {"of": said}
    of = said.get("of", "of")
    places = of if isinstance(of, list) else [of]
    return (
        bool(said)
        and said.keys() <= {"of", "scale", "standardise", "codes", "axes"}
        and bool(places)
        and all(map(_is_place, places))
        and ("scale" not in said or (is_number(said["scale"]) and said["scale"] > 0))
        and all(isinstance(said.get(key, False), bool) for key in ("standardise", "codes"))
        and said.get("axes", AXES[0]) in AXES
    )


def _power(number: int) -> str:
    """Return a number as messages show it: `2**63 - 1` is easier to read than its 19 digits."""
    exponent = number.bit_length()
    return f"2**{exponent} - 1" if number > 10**12 and number == 2**exponent - 1 else str(number)
