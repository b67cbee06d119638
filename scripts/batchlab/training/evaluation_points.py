"""Where training is evaluated: at the ends of epochs, or at chosen epochs or updates."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from batchlab.training.pieces import pieces


def evaluation_points(
    rule: Mapping[str, Any] | None, start: int, stop: int, updates: int, batch_size: int, examples: int
) -> list[int]:
    """Return the positions after `start`, up to `stop`, at which a rule evaluates, in cumulative examples.

    They depend on positions only, so a run that is cut or resumed has the same ones.

    Args:
        rule: `unit` (`epochs` or `updates`), `begin` (the number of them from which they are counted) and one of
            `every`, `at` and `per_decade`: multiples of a number, listed numbers, and 10^(j / per_decade) rounded to
            integers. None for the ends of epochs.
        start: Where training stands, the boundary of an update.
        stop: Where it ends.
        updates: Updates made before `start`.
        batch_size: Examples in an update; the last one of an epoch may hold fewer.
        examples: Size of the training set.
    """
    if rule is None or rule["unit"] == "epochs":
        begin = rule["begin"] if rule else 0
        first, last = start // examples, stop // examples
        return [(begin + number) * examples for number in _numbers(rule or {"every": 1}, first - begin, last - begin)]
    found = []
    for piece in pieces(start, stop, examples):
        made = piece.updates(batch_size)
        before = updates - rule["begin"]
        for number in _numbers(rule, before, before + made):
            found.append(min(piece.end, start + (number - before) * batch_size))
        start, updates = piece.end, updates + made
    return found


def _numbers(rule: Mapping[str, Any], after: int, last: int) -> Iterable[int]:
    """Return the numbers that a rule names, rising, of those more than `after` (and 0) and at most `last`."""
    after = max(after, 0)
    if "every" in rule:
        every = rule["every"]
        return range((after // every + 1) * every, last + 1, every)
    if "at" in rule:
        return (number for number in sorted(set(rule["at"])) if after < number <= last)
    grid = (round(10 ** (place / rule["per_decade"])) for place in itertools.count())
    inside = itertools.takewhile(lambda number: number <= last, grid)
    return dict.fromkeys(number for number in inside if number > after)
