"""The states in which replicas are left, copied from the device where they are needed and not at each evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from batchlab.training.core import Replicas
from batchlab.training.state import Arrays


class LeftStates:
    """The state of each replica of a group after the last updates that count for it.

    Replicas side by side all go on until the last one has ended; a replica that has diverged or ended keeps the state
    that it had then.

    Args:
        replicas: The group.
    """

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._kept: list[Arrays] = replicas.capture()
        self._stale: set[int] = set()

    def train(self, counts: Sequence[bool]) -> None:
        """Expect updates.

        Args:
            counts: Of each replica, whether they count for it.
        """
        if any(row in self._stale and not counted for row, counted in enumerate(counts)):
            self._copy()
        self._stale |= {row for row, counted in enumerate(counts) if counted}

    def _copy(self) -> None:
        if self._stale:
            captured = self._replicas.capture()
            for row in self._stale:
                self._kept[row] = captured[row]
            self._stale.clear()

    def __getitem__(self, row: int) -> Arrays:
        self._copy()
        return self._kept[row]

    def __setitem__(self, row: int, state: Arrays) -> None:
        self._copy()
        self._kept[row] = state
