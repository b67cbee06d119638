"""Schedules of the learning rate: where one begins, how long it is, and what it makes of the rate at a position."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.options import Sequence, with_defaults
from batchlab.errors import BatchlabError, shown
from batchlab.planning.positions import Place
from batchlab.schedules import share_of_rate


def schedule_of(where: str, value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a schedule with all its options; None for none.

    Raises:
        BatchlabError: The lists of a table do not fit each other, or its positions do not rise.
    """
    if value is None:
        return None
    declared = find.schedules()[value["name"]]
    lists = {option.name: value[option.name] for option in declared.own if isinstance(option, Sequence)}
    if len({len(items) for items in lists.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(items)}" for name, items in lists.items())
        raise BatchlabError(f"{where}: needs lists of one length; {lengths}")
    for option in declared.own:
        if isinstance(option, Sequence) and option.rising:
            items = value[option.name]
            if any(first >= second for first, second in itertools.pairwise(items)):
                raise BatchlabError(f"{where}.{option.name}: {shown(items)} does not rise; sort it")
    return with_defaults(declared.options, value)


def placed(where: str, schedule: Mapping[str, Any], start: Place, stop: Place, examples: int) -> dict[str, Any]:
    """Return a schedule with the place where it begins and its length: all that training needs to know of it.

    Both count updates where the schedule does and else examples. The length is left out where it does not matter, so
    that a longer arm shares its beginning with a shorter one.

    Args:
        where: The arm, for error messages.
        schedule: The schedule with all options.
        start: Where it begins.
        stop: Where it ends.
        examples: Size of the training set.

    Raises:
        BatchlabError: The warm-up is longer than the schedule.
    """
    per_unit = examples if schedule["unit"] == "epochs" else 1
    begin, end = (place.updates if schedule["unit"] == "updates" else place.examples for place in (start, stop))
    length = (end - begin) / per_unit
    spans = find.schedules()[schedule["name"]].spans
    if schedule["warmup"] > length or (spans and schedule["warmup"] >= length):
        raise BatchlabError(
            f"{where}.warmup: {schedule['warmup']:g} {schedule['unit']} leave nothing of {length:g}; take fewer"
        )
    return {**schedule, "begin": begin, **({"length": end - begin} if spans else {})}


def rate_at(
    schedule: Mapping[str, Any] | None, learning_rate: float, at: Place, batch_size: int, examples: int
) -> float:
    """Return the learning rate of the update that starts at a place, by a schedule that `placed` returned."""
    if schedule is None:
        return learning_rate
    counted = schedule["unit"] == "updates"
    per_unit = examples if schedule["unit"] == "epochs" else 1
    begin = (at.updates if counted else at.examples) - schedule["begin"]
    step = 1 if counted else min(batch_size, examples - at.examples % examples)
    declared = find.schedules()[schedule["name"]]
    length = schedule.get("length", 0) / per_unit
    return learning_rate * share_of_rate(declared, begin / per_unit, (begin + step) / per_unit, length, schedule)
