"""What the task asks of labels: for classification, at least two classes, each of more than one example.

Standard library only. It serves planning, which looks into a file, and the job that reads it, so that both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from batchlab.errors import BatchlabError

# Different whole numbers up to which a label is taken for classes; more of them must be numbered 0 to C - 1 or 1 to C,
# each with `_FEW` examples on average.
PLAIN, _FEW = 20, 10


def class_names(labels: Iterable[str], where: str) -> list[str]:
    """Return the distinct labels of a text column in the order of their class numbers.

    Labels that are all integers are ordered as numbers, others as text.

    Raises:
        BatchlabError: Fewer than two classes, or two spellings of one number.
    """
    distinct = set(labels)
    check_several(sorted(distinct), where)
    numbers: dict[float, str] = {}
    for name in sorted(distinct):
        with suppress(ValueError):
            if (other := numbers.setdefault(float(name), name)) != name:
                raise BatchlabError(f"{where}: the labels {other!r} and {name!r} are one number; write them alike")
    try:
        return sorted(distinct, key=lambda name: (int(name), name))
    except ValueError:
        return sorted(distinct)


def check_several(distinct: list[str], where: str) -> None:
    """Raise unless there are two classes at least."""
    if len(distinct) < 2:
        found = f"only the label {distinct[0]!r}" if distinct else "no example"
        raise BatchlabError(f"{where}: {found} found; a classification data set needs at least two classes")


class MeasuredError(BatchlabError):
    """Labels that look like measurements, which no campaign has called classes."""


def check_repeated(examples: int, classes: int, where: str) -> None:
    """Raise if no class has a second example: then the labels are something else, such as a running number."""
    if classes == examples:
        raise BatchlabError(
            f"{where}: each of the {examples} examples has a label of its own; name what holds classes, not numbers "
            "of rows, or say labels: numbers to learn measured numbers (regression)"
        )


def check_measured(values: Mapping[float, int], where: str, said: str | None) -> None:
    """Raise if numeric labels look like measurements and the campaign does not say that they are classes.

    Numbers with a fraction do, and more than 20 different whole numbers that do not number classes from 0 or 1. Numbers
    that only count the examples are left to `check_repeated`.

    Args:
        values: Number of examples by label.
        where: File and column or array, for messages.
        said: Value of the key `labels`.
    """
    if said == "classes" or not values:
        return
    distinct, examples = sorted(values), sum(values.values())
    fraction = next((value for value in distinct if value != int(value)), None)
    numbered = distinct[0] in (0, 1) and distinct[-1] - distinct[0] == len(distinct) - 1
    counting = numbered and len(distinct) == examples
    if fraction is None and (len(distinct) <= PLAIN or counting or (numbered and examples >= _FEW * len(distinct))):
        return
    found = f"{len(distinct)} different numbers from {distinct[0]:g} to {distinct[-1]:g}"
    found += f", among them {fraction:g}" if fraction is not None else ""
    raise MeasuredError(
        f"{where}: holds {found}, in {examples} examples: that is measured, not a class; name a label with classes, or "
        "say labels: numbers to learn the numbers (regression), or labels: classes if every number is a class"
    )
