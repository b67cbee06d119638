"""What one job trains: a segment, or several that differ in their learning rates and in where they start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchlab.backend import runtime, streamed
from batchlab.training import state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.current_task import task_of
from batchlab.training.row_files import write_rows
from batchlab.training.segment import Run, train_together


@dataclass(frozen=True)
class Member:
    """A segment of a job.

    Attributes:
        spec: Its settings.
        parent: Path of the snapshot where it begins.
        outputs: Paths of `state`, `history` and `distances`.
    """

    spec: dict[str, Any]
    parent: str
    outputs: Mapping[str, str]


def train_members(members: Sequence[Member], data: str, initial: str, checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """Train the segments of a job, write their files and return the facts of each for its record.

    Args:
        members: They have everything in common but learning rates and parents.
        data: Path of the data set.
        initial: Path of the snapshot of the initial weights.
        checkpoint: Where progress is kept; its file is deleted in the end.
    """
    spec = members[0].spec
    facts = runtime.configure(spec["precision"])
    start = state.read(initial)
    runs = [Run(member.spec, start, state.read(member.parent)) for member in members]
    segments = train_together(runs, streamed.read(data, task_of(spec)), checkpoint)
    for member, segment in zip(members, segments, strict=True):
        state.write(member.outputs["state"], segment.snapshot)
        for name, rows in segment.tables.items():
            write_rows(member.outputs[name], rows, segment.columns[name])
    checkpoint.remove()
    return [{**facts, **segment.facts} for segment in segments]
