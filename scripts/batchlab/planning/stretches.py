"""Stretches of an arm: its phases with the places where they begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchlab.planning.phases import Phase
from batchlab.planning.positions import Place, advance, updates_between


@dataclass(frozen=True)
class Stretch:
    """A phase in its place.

    Attributes:
        phase: The phase.
        start: Where it begins.
        stop: Where it ends.
        schedule: The schedule of the learning rate with its place, see `planning.scheduling.placed`; None for none.
        more: `evaluate` and `until`, where the arm has them, with their places.
    """

    phase: Phase
    start: Place
    stop: Place
    schedule: Mapping[str, Any] | None
    more: Mapping[str, Any]


def position_of(stretches: Sequence[Stretch], count: int, unit: str, examples: int) -> int | None:
    """Return the position after so many epochs or updates, in examples; None where the training ends earlier.

    Args:
        stretches: The stretches from the beginning of training on.
        count: Number of epochs or updates.
        unit: `epochs` or `updates`.
        examples: Size of the training set.
    """
    if unit == "epochs":
        end = stretches[-1].stop.examples if stretches else 0
        return count * examples if count * examples <= end else None
    if count == 0:
        return 0
    for stretch in stretches:
        if stretch.start.updates < count <= stretch.stop.updates:
            made = count - stretch.start.updates
            return advance(stretch.start.examples, made, stretch.phase.batch_size, examples)
    return None


def cut_off(stretches: Sequence[Stretch], position: int, examples: int) -> list[Stretch]:
    """Return what lies before a position, which is the boundary of an update."""
    kept = []
    for stretch in stretches:
        if stretch.stop.examples <= position:
            kept.append(stretch)
        elif stretch.start.examples < position:
            updates = updates_between(stretch.start.examples, position, stretch.phase.batch_size, examples)
            kept.append(replace(stretch, stop=Place(position, stretch.start.updates + updates)))
    return kept
