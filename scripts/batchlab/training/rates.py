"""The learning rate of each update by a schedule."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.declarations.schedule import Schedule
from batchlab.schedules import share_of_rate


def rates(
    schedule: Mapping[str, Any],
    learning_rate: float,
    boundaries: NDArray[np.int64],
    updates: int,
    examples: int,
) -> NDArray[np.float64]:
    """Return the learning rate of consecutive updates.

    They depend on the position only, so a run that is cut or resumed has the same ones.

    Args:
        schedule: `name`, all options, `begin` and, where the schedule needs it, `length`; see `planning.scheduling`.
        learning_rate: The rate that the schedule takes a share of.
        boundaries: Cumulative examples at the start of each update and at the end of the last one.
        updates: Updates made before the first one.
        examples: Size of the training set.
    """
    # Imported by name, so that a new schedule, or an edit of another one, does not concern a run.
    declared: Schedule = importlib.import_module(f"batchlab.schedules.{schedule['name']}").SCHEDULE
    counted = schedule["unit"] == "updates"
    places = updates + np.arange(len(boundaries)) if counted else boundaries
    per_unit = examples if schedule["unit"] == "epochs" else 1
    positions = ((places - schedule["begin"]) / per_unit).tolist()
    length = schedule.get("length", 0) / per_unit
    shares = [
        share_of_rate(declared, before, after, length, schedule) for before, after in itertools.pairwise(positions)
    ]
    return learning_rate * np.array(shares, dtype=np.float64)
