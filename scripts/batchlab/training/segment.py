"""Segments: initial weights, and training from one snapshot to the next."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.training import core, state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.metrics import METRICS
from batchlab.training.row_files import Table
from batchlab.training.trainer import Trainer, pieces

_HISTORY = ("seed", "epoch", "updates", "examples", "seconds", "status", *METRICS)
_SETTINGS = ("batch_size", "accumulation", "learning_rate")
_DISTANCES = ("seed", "epoch", "updates", "from_initial", "from_origin")

Replica = tuple[state.Position, state.Arrays]

_NO_METRICS = dict.fromkeys(METRICS, math.nan)


@dataclass
class Segment:
    """What a segment's job leaves behind.

    Attributes:
        snapshot: The replicas' state at the segment's end.
        history: Rows of the table of loss and accuracy.
        distances: Rows of the table of distances.
        facts: For the provenance record.
    """

    snapshot: state.Snapshot
    history: list[dict[str, Any]] = field(default_factory=list)
    distances: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Table]:
        """The tables `history` and `distances`; settings are columns of the former unless nothing was trained."""
        settings = _SETTINGS if self.snapshot.trained else ()
        return {
            "history": Table((*_HISTORY, *settings), self.history),
            "distances": Table(_DISTANCES, self.distances),
        }


def distance(weights: state.Arrays, reference: state.Arrays | None, keys: list[str]) -> float:
    """Return the Euclidean distance over all given variables, from `reference` or from the origin.

    ‖w − w₀‖ = √(Σ (w − w₀)²), summed in double precision.
    """
    total = 0.0
    for key in keys:
        difference = weights[key].astype(np.float64)
        if reference is not None:
            difference = difference - reference[key]
        total += float(np.sum(difference**2))
    return math.sqrt(total)


def trainable_keys(model: Any) -> list[str]:
    """Return the snapshot keys of the trainable variables."""
    wanted = {id(variable) for variable in model.trainable_variables}
    return [key for key, variable in state.variables_of(model).items() if id(variable) in wanted]


def _rows(
    seed: int,
    position: state.Position,
    metrics: dict[str, float],
    examples: int,
    weights: state.Arrays,
    initial: state.Arrays,
    keys: list[str],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return one row of history and one of distances."""
    place = {"seed": seed, "epoch": position.examples / examples, "updates": position.updates}
    history = {
        **place,
        "examples": position.examples,
        "seconds": position.seconds,
        "status": position.status,
        **metrics,
    }
    lost = position.status == state.DIVERGED
    distances = {
        **place,
        "from_initial": math.nan if lost else distance(weights, initial, keys),
        "from_origin": math.nan if lost else distance(weights, None, keys),
    }
    return history, distances


def initialise(spec: dict[str, Any], data: Resident) -> Segment:
    """Draw the initial weights of every seed and measure them once.

    Args:
        spec: `model`, `seeds`.
        data: The resident data set.
    """
    model = build_model(spec["model"], data.shape, data.classes)
    jit, facts = core.compilation(model)
    variables = state.variables_of(model)
    keys = trainable_keys(model)
    evaluation = core.Evaluation(model, data, jit)
    replicas: list[state.Arrays] = []
    segment = Segment(state.Snapshot((), {}, ()), facts=facts)
    for seed in spec["seeds"]:
        drawn = state.capture(state.variables_of(build_model(spec["model"], data.shape, data.classes, seed=seed)))
        if drawn.keys() != variables.keys():
            raise BatchlabError("model: build() names its variables differently at each call; give its layers names")
        state.restore(variables, drawn)
        replicas.append(drawn)
        metrics = evaluation.re_estimated()
        history, distances = _rows(seed, state.Position(), metrics, data.examples, drawn, drawn, keys)
        segment.history.append(history)
        segment.distances.append(distances)
    segment.snapshot = state.stack(spec["seeds"], replicas, [state.Position() for _ in replicas])
    return segment


def train(
    spec: dict[str, Any],
    data: Resident,
    initial: state.Snapshot,
    parent: state.Snapshot,
    checkpoint: Checkpoint | None = None,
) -> Segment:
    """Train every seed from the parent's position to `stop`.

    Each end of an epoch and the stop give a row of history and of distances. A replica whose loss is not finite stops
    there; its remaining rows have the status `diverged` and no metrics.

    Args:
        spec: `model`, `optimizer`, `learning_rate`, `batch_size`, `accumulation`, `seeds`, and `start` and `stop` in
            cumulative examples, both at update boundaries.
        data: The resident data set.
        initial: Snapshot of the initial weights, the reference of distances.
        parent: Snapshot at `start`.
        checkpoint: Where progress is kept; None for none.

    Returns:
        Snapshot, tables and facts.
    """
    seeds, start, stop = list(spec["seeds"]), int(spec["start"]), int(spec["stop"])
    if stop <= start:
        raise BatchlabError(f"stop: {stop} examples is not after start {start}; choose a larger one")
    trainer = core.Trainer(spec, data)
    keys = trainable_keys(trainer.model)
    settings = {name: spec[name] for name in _SETTINGS}
    way = list(pieces(start, stop, data.examples))

    segment = Segment(state.Snapshot((), {}, ()))
    done: list[Replica] = []
    kept = _kept(checkpoint, segment)
    for group in trainer.together(seeds):
        begun, kept = kept[: len(group)], kept[len(group) :]
        if kept:  # a later group had begun, so this one was finished
            done += begun
            continue
        if begun:
            positions = [position for position, _ in begun]
            trainer.restore([replica for _, replica in begun])
        else:
            positions = trainer.load(parent, group)
            for position in positions:
                if position.examples != start:
                    raise BatchlabError(f"{parent.source}: is at {position.examples} examples, not at start {start}")
        replicas = trainer.capture()
        for piece in way:
            if piece.end <= positions[0].examples:
                continue
            trained = [position.status == state.OK for position in positions]
            trainer.advance(group, piece, positions)
            # A replica that had diverged before is left as it was then.
            replicas = [
                new if fresh else old for new, old, fresh in zip(trainer.capture(), replicas, trained, strict=True)
            ]
            metrics = _metrics(trainer, positions)
            for row, seed in enumerate(group):
                history, distances = _rows(
                    seed, positions[row], metrics[row], data.examples, replicas[row], initial.replica(seed)[0], keys
                )
                segment.history.append({**history, **settings})
                segment.distances.append(distances)
            if checkpoint and checkpoint.due:
                _save(checkpoint, segment, [*done, *zip(positions, replicas, strict=True)])
        done += zip(positions, replicas, strict=True)
    for rows in (segment.history, segment.distances):
        rows.sort(key=lambda row: seeds.index(row["seed"]))
    segment.snapshot = state.stack(seeds, [replica for _, replica in done], [position for position, _ in done])
    segment.facts = trainer.facts
    return segment


def _metrics(trainer: Trainer, positions: list[state.Position]) -> list[dict[str, float]]:
    """Return each replica's metrics; a replica whose training loss is not finite has diverged and has none."""
    if all(position.status == state.DIVERGED for position in positions):
        return [_NO_METRICS for _ in positions]
    found = []
    for position, metrics in zip(positions, trainer.metrics(), strict=True):
        if not math.isfinite(metrics["train_loss"]):
            position.status = state.DIVERGED
        found.append(metrics if position.status == state.OK else _NO_METRICS)
    return found


def _save(checkpoint: Checkpoint, segment: Segment, replicas: list[Replica]) -> None:
    """Write a checkpoint; the last group of replicas is the one in progress."""
    progress = {
        "history": segment.history,
        "distances": segment.distances,
        "positions": [dataclasses.asdict(position) for position, _ in replicas],
    }
    arrays = {f"{row}:{key}": values for row, (_, replica) in enumerate(replicas) for key, values in replica.items()}
    checkpoint.write(progress, arrays)


def _kept(checkpoint: Checkpoint | None, segment: Segment) -> list[Replica]:
    """Return the replicas of a checkpoint and put its rows into the segment's tables; nothing where there is none."""
    found = checkpoint.read() if checkpoint else None
    if not found:
        return []
    progress, arrays = found
    segment.history, segment.distances = progress["history"], progress["distances"]
    positions = [state.Position(**values) for values in progress["positions"]]
    return [(position, _part(arrays, f"{row}:")) for row, position in enumerate(positions)]


def _part(arrays: state.Arrays, prefix: str) -> state.Arrays:
    """Return the arrays of one replica."""
    return {key.removeprefix(prefix): values for key, values in arrays.items() if key.startswith(prefix)}
