"""Ends before the cap: at a target, or when a metric stops improving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from batchlab.training import state

# What is remembered of a replica between evaluations, beside its own state: keys of snapshots begin with these.
_BEST, _WAITED, _KEPT = "until/best", "until/waited", "until/state/"


def remembered(replica: state.Arrays) -> state.Arrays:
    """Return what is remembered of a replica in a snapshot or a checkpoint."""
    return {key: values for key, values in replica.items() if key.startswith("until/")}


class Ending:
    """Tells of each evaluation whether a replica ends there.

    What has to be remembered lies in the replica's arrays, and so in snapshots and checkpoints.

    Args:
        until: `metric`, `better` (`higher` or `lower`), and either `at`, the target, or `patience` and `restore_best`,
            with `cap`, where the arm ends at the latest, in examples. None for training that only ends at its cap.
    """

    def __init__(self, until: Mapping[str, Any] | None) -> None:
        self._until = until

    def begin(self, replica: state.Arrays, parent: state.Arrays) -> state.Arrays:
        """Return what is remembered where a segment begins.

        Args:
            replica: The replica's state there.
            parent: The replica in the parent's snapshot.
        """
        if self._until is None or "at" in self._until:
            return {}
        if _BEST in parent:
            return remembered(parent)
        kept = self._kept(replica) if self._until["restore_best"] else {}
        return {_BEST: np.array(-self._sign * np.inf), _WAITED: np.array(0), **kept}

    @property
    def _sign(self) -> int:
        return 1 if self._until is None or self._until["better"] == "higher" else -1

    @staticmethod
    def _kept(replica: state.Arrays) -> state.Arrays:
        return {_KEPT + key: values for key, values in replica.items()}

    def judge(
        self, metrics: Mapping[str, float], replica: Callable[[], state.Arrays], memory: state.Arrays
    ) -> tuple[str, state.Arrays]:
        """Return the status after an evaluation and what is to be remembered.

        Args:
            metrics: Of the evaluation, finite.
            replica: Returns the replica's state.
            memory: What `begin` or the last call returned.
        """
        if self._until is None:
            return state.OK, memory
        value = self._sign * metrics[self._until["metric"]]
        if "at" in self._until:
            return (state.REACHED if value >= self._sign * self._until["at"] else state.OK), memory
        if value > self._sign * memory[_BEST]:
            kept = self._kept(replica()) if self._until["restore_best"] else {}
            return state.OK, {_BEST: np.array(self._sign * value), _WAITED: np.array(0), **kept}
        waited = np.array(memory[_WAITED] + 1)
        return state.STOPPED if waited >= self._until["patience"] else state.OK, {**memory, _WAITED: waited}

    def best(self, position: state.Position, memory: state.Arrays) -> state.Arrays | None:
        """Return the best state for a replica that ends here, if that is wanted; None for any other."""
        if self._until is None or not self._until.get("restore_best"):
            return None
        capped = position.status == state.OK and position.examples == self._until["cap"]
        if position.status != state.STOPPED and not capped:
            return None
        return {key.removeprefix(_KEPT): values for key, values in memory.items() if key.startswith(_KEPT)}
