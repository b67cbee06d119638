"""Schedules by which the learning rate follows the position in training: one file each, with a `SCHEDULE`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.schedule import Schedule


def share_of_rate(schedule: Schedule, before: float, after: float, length: float, options: Mapping[str, Any]) -> float:
    """Return the share of the phase's learning rate with which an update is made.

    A warm-up rises linearly and reaches 1 with its last update, so that no update is made at rate 0.

    Args:
        schedule: The declared schedule.
        before: Position where the update starts, in the unit, from the beginning of the schedule.
        after: Position where it ends.
        length: Length of the whole schedule in the unit; read by schedules that span their arm only.
        options: All options.
    """
    warmup = options["warmup"]
    ramp = min(1.0, after / warmup) if warmup else 1.0
    rise = options["warmup_from"] + (1 - options["warmup_from"]) * ramp
    place = max(0.0, (before - warmup) / (length - warmup)) if schedule.spans else before
    return float(rise * schedule.factor(place, options))
