"""Where a training run stands, counted in examples.

A run passes over the data epoch by epoch; each epoch ends with a smaller last batch unless B divides N. Every
update boundary is therefore an exact number of examples, and B may change at any of them.
"""

from __future__ import annotations

from dataclasses import dataclass


def updates_per_epoch(examples: int, batch_size: int) -> int:
    """Return ⌈N / B⌉, the number of updates in an epoch that starts at its beginning."""
    return -(-examples // batch_size)


def advance(position: int, updates: int, batch_size: int, examples: int) -> int:
    """Return the position after `updates` further updates.

    Args:
        position: Examples seen so far, over all epochs.
        updates: Number of updates to add.
        batch_size: Examples per update, B.
        examples: Size of the training set, N.
    """
    offset = position % examples
    first = updates_per_epoch(examples - offset, batch_size)
    if updates < first:
        return position + updates * batch_size
    epochs, rest = divmod(updates - first, updates_per_epoch(examples, batch_size))
    return position - offset + (1 + epochs) * examples + rest * batch_size


def updates_between(start: int, stop: int, batch_size: int, examples: int) -> int:
    """Return the number of updates between two positions.

    Args:
        start: Examples seen at the beginning, an update's boundary.
        stop: Examples seen at the end.
        batch_size: Examples per update, B.
        examples: Size of the training set, N.
    """
    updates = 0
    while start < stop:
        end = min(stop, (start // examples + 1) * examples)
        updates += updates_per_epoch(end - start, batch_size)
        start = end
    return updates


@dataclass(frozen=True)
class Place:
    """A position in training, in examples and in updates."""

    examples: int
    updates: int
