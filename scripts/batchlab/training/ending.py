"""Ends before the cap: at a target, or when a metric stops improving."""

from __future__ import annotations

from collections.abc import Mapping
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
        return {_BEST: np.array(-self._sign * np.inf), _WAITED: np.array(0), **self._kept(replica)}

    @property
    def _sign(self) -> int:
        return 1 if self._until is None or self._until["better"] == "higher" else -1

    def _kept(self, replica: state.Arrays) -> state.Arrays:
        wanted = self._until is not None and self._until["restore_best"]
        return {_KEPT + key: values for key, values in replica.items()} if wanted else {}

    def judge(
        self, metrics: Mapping[str, float], replica: state.Arrays, memory: state.Arrays
    ) -> tuple[str, state.Arrays]:
        """Return the status after an evaluation and what is to be remembered.

        Args:
            metrics: Of the evaluation, finite.
            replica: The replica's state.
            memory: What `begin` or the last call returned.
        """
        if self._until is None:
            return state.OK, memory
        value = self._sign * metrics[self._until["metric"]]
        if "at" in self._until:
            return (state.REACHED if value >= self._sign * self._until["at"] else state.OK), memory
        if value > self._sign * memory[_BEST]:
            return state.OK, {_BEST: np.array(self._sign * value), _WAITED: np.array(0), **self._kept(replica)}
        waited = np.array(memory[_WAITED] + 1)
        return state.STOPPED if waited >= self._until["patience"] else state.OK, {**memory, _WAITED: waited}

    def final(self, position: state.Position, replica: state.Arrays, memory: state.Arrays) -> state.Arrays:
        """Return the state that a replica is left in: the best one, if it ends here and that is wanted."""
        if self._until is None or not self._until.get("restore_best"):
            return replica
        ends = position.status == state.STOPPED or (
            position.status == state.OK and position.examples == self._until["cap"]
        )
        kept = {key.removeprefix(_KEPT): values for key, values in memory.items() if key.startswith(_KEPT)}
        return kept if ends and kept else replica
