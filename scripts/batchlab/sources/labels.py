"""What the task asks of labels: for classification, at least two classes, each of more than one example.

Standard library only. It serves planning, which looks into a file, and the job that reads it, so that both agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from batchlab.errors import BatchlabError


def check_classes(labels: Iterable[int], where: str) -> int:
    """Return the number of classes of integer labels.

    Raises:
        BatchlabError: The distinct labels are not exactly 0 to C - 1 with C ≥ 2.
    """
    distinct = sorted(set(labels))
    if len(distinct) < 2:
        found = f"only class {distinct[0]}" if distinct else "no example"
        raise BatchlabError(f"{where}: {found} found; a classification data set needs at least two classes")
    if distinct != list(range(len(distinct))):
        raise BatchlabError(
            f"{where}: labels must be the integers 0 to C-1, each in use; found {len(distinct)} values "
            f"from {distinct[0]} to {distinct[-1]}"
        )
    return len(distinct)


def class_names(labels: Iterable[str], where: str) -> list[str]:
    """Return the distinct labels of a text column in the order of their class numbers.

    Labels that are all integers are ordered as numbers, others as text.

    Raises:
        BatchlabError: Fewer than two classes, or two spellings of one number.
    """
    distinct = set(labels)
    if len(distinct) < 2:
        found = f"only the label {min(distinct)!r}" if distinct else "no example"
        raise BatchlabError(f"{where}: {found} found; a classification data set needs at least two classes")
    numbers: dict[float, str] = {}
    for name in sorted(distinct):
        with suppress(ValueError):
            if (other := numbers.setdefault(float(name), name)) != name:
                raise BatchlabError(f"{where}: the labels {other!r} and {name!r} are one number; write them alike")
    try:
        return sorted(distinct, key=lambda name: (int(name), name))
    except ValueError:
        return sorted(distinct)


def check_repeated(examples: int, classes: int, where: str) -> None:
    """Raise if no class has a second example: then the labels are something else, such as a running number."""
    if classes == examples:
        raise BatchlabError(
            f"{where}: each of the {examples} examples has a label of its own; name what holds classes, not numbers "
            "of rows or measurements"
        )
