"""The learning rate follows a table of positions and shares."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from batchlab.declarations.options import Flag, Sequence
from batchlab.declarations.schedule import Schedule


def factor(position: float, options: Mapping[str, Any]) -> float:
    """Return the share at a position: the last one of the table, or a straight line to the next one."""
    at, shares = options["at"], options["shares"]
    number = bisect_right(at, position)
    if number == 0 or number == len(at) or not options["straight"]:
        return float(shares[max(number - 1, 0)])
    between = (position - at[number - 1]) / (at[number] - at[number - 1])
    return float(shares[number - 1] + between * (shares[number] - shares[number - 1]))


SCHEDULE = Schedule(
    summary="follows a table: from each position of `at` on the share beside it in `shares`",
    source="",
    factor=factor,
    own=(
        Sequence("at", "positions in the unit, rising, from the beginning of the schedule", least=0, rising=True),
        Sequence("shares", "share of the rate from each of them on", above=0),
        Flag("straight", "straight lines between the positions in place of steps", False),
    ),
)
