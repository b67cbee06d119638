"""Segments: initial weights, and training from one snapshot to the next."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.backend.streamed import is_streamed
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.training import state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.ending import Ending, remembered
from batchlab.training.evaluation_points import evaluation_points
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.left_states import LeftStates
from batchlab.training.metrics import metric_names
from batchlab.training.pieces import Piece, pieces
from batchlab.training.trainer import Trainer

# Settings of the training that are columns of its history.
_SETTINGS = ("batch_size", "accumulation", "learning_rate")

Replica = tuple[state.Position, state.Arrays]


@dataclass(frozen=True)
class Run:
    """What a segment starts from.

    Attributes:
        spec: Settings, see `train`.
        initial: Snapshot of the initial weights, the reference of distances.
        parent: Snapshot at `start`.
    """

    spec: dict[str, Any]
    initial: state.Snapshot
    parent: state.Snapshot

    @property
    def rate(self) -> float:
        """The learning rate, which a schedule scales."""
        return float(self.spec["learning_rate"])


@dataclass
class Segment:
    """What a segment's job leaves behind.

    Attributes:
        snapshot: The replicas' state at the segment's end.
        history: Rows of the table of loss and accuracy.
        distances: Rows of the table of distances.
        facts: For the provenance record.
        columns: Of both tables, where there may be no rows.
    """

    snapshot: state.Snapshot
    history: list[dict[str, Any]] = field(default_factory=list)
    distances: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of `history` and `distances`; settings are columns of the former unless nothing was trained."""
        return {"history": self.history, "distances": self.distances}


def _rows(
    seed: int,
    position: state.Position,
    metrics: dict[str, float],
    examples: int,
    walked: tuple[float, float],
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
        "from_initial": math.nan if lost else walked[0],
        "from_origin": math.nan if lost else walked[1],
    }
    return history, distances


def initialise(spec: dict[str, Any], data: Resident) -> Segment:
    """Draw the initial weights of every seed and measure them once.

    Args:
        spec: `model`, `seeds`.
        data: The resident data set.
    """
    model = FrozenModel(spec["model"], data)
    replicas: list[state.Arrays] = []
    segment = Segment(state.Snapshot((), {}, ()), facts=model.facts)
    for seed in spec["seeds"]:
        new = build_model(spec["model"], data.shape, data.output_shape, seed=seed)
        drawn = state.capture(state.variables_of(new))
        if drawn.keys() != model.variables.keys():
            raise BatchlabError("model: build() names its variables differently at each call; give its layers names")
        model.take(drawn)
        replicas.append(drawn)
        [metrics] = model.evaluation.re_estimated()
        [walked] = model.replicas.distances([drawn], model.trainable)
        history, distances = _rows(seed, state.Position(), metrics, data.examples, walked)
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
    """Train every seed from the parent's position to `stop`, or to where it ends before.

    Evaluations, at the ends of epochs or where `evaluate` says, and the stop give a row of history and of distances. A
    replica whose loss is not finite stops there; its remaining rows have the status `diverged` and no metrics. One that
    ends before the stop by `until` has no rows after that; its position tells where it ended.

    Args:
        spec: `model`, `optimizer`, `learning_rate`, `batch_size`, `accumulation`, `seeds`, `start` and `stop` in
            cumulative examples, both at update boundaries, `schedule` where the rate follows one, `evaluate` where not
            the ends of epochs are evaluated (see `evaluation_points`; with `subset`, so many examples of each split,
            except at the stop), and `until` where it may end before (see `ending`).
        data: The resident data set.
        initial: Snapshot of the initial weights, the reference of distances.
        parent: Snapshot at `start`.
        checkpoint: Where progress is kept; None for none.

    Returns:
        Snapshot, tables and facts.
    """
    [segment] = train_together([Run(spec, initial, parent)], data, checkpoint)
    return segment


def train_together(runs: Sequence[Run], data: Resident, checkpoint: Checkpoint | None = None) -> list[Segment]:
    """Train segments that differ in nothing but their learning rates and in where they start from.

    A core trains all replicas of all of them at once, or one after the other through one compiled loop. Neither changes
    what one of them computes, but side by side a sum may be rounded in another way than alone.

    Args:
        runs: What each starts from; seeds, `start` and `stop` are those of the first.
        data: The resident data set.
        checkpoint: Where progress is kept; None for none.

    Returns:
        What `train` returns, of each.
    """
    spec = runs[0].spec
    seeds, start, stop = list(spec["seeds"]), int(spec["start"]), int(spec["stop"])
    if stop <= start:
        raise BatchlabError(f"stop: {stop} examples is not after start {start}; choose a larger one")
    trainer = Trainer(spec, data)
    ending = Ending(spec.get("until"))
    keys = state.trainable_keys(trainer.model)

    segments = [Segment(state.Snapshot((), {}, ()), columns=_columns(data)) for _ in runs]
    owners = [(number, seed) for number in range(len(runs)) for seed in seeds]
    done: list[Replica] = []
    kept, most = _kept(checkpoint, segments), 0
    for numbers in _groups(trainer, len(runs), len(seeds)):
        members = [(runs[number], seed) for number, seed in (owners[row] for row in numbers)]
        group, most = [seed for _, seed in members], max(most, len(numbers))
        begun, kept = kept[: len(group)], kept[len(group) :]
        if kept:  # a later group had begun, so this one was finished
            done += begun
            continue
        if begun:
            positions = [position for position, _ in begun]
            trainer.go_on([replica for _, replica in begun], [run.rate for run, _ in members])
        else:
            positions = trainer.load_each([(run.parent, seed, run.rate) for run, seed in members])
            for position, (run, _) in zip(positions, members, strict=True):
                if position.examples != start and position.status not in state.ENDED:
                    raise BatchlabError(
                        f"{run.parent.source}: is at {position.examples} examples, not at start {start}"
                    )
        states = LeftStates(trainer.replicas)
        references = [run.initial.replica(seed)[0] for run, seed in members]
        if begun:
            memories = [remembered(replica) for _, replica in begun]
        else:
            memories = [
                ending.begin(states[row], run.parent.replica(seed)[0]) for row, (run, seed) in enumerate(members)
            ]
        for piece, judged in _stretch(spec, data.examples, positions):
            moving = [position.status not in state.ENDED for position in positions]
            if not any(moving):
                break
            states.train([position.status == state.OK for position in positions])
            trainer.advance(group, piece, positions)
            if not judged and piece.end != stop:
                continue
            shown, deciding = _metrics(trainer, positions, judged, piece.end == stop)
            walked = trainer.replicas.distances(references, keys)
            for row, seed in enumerate(group):
                if not moving[row]:
                    continue
                position = positions[row]
                if judged and position.status == state.OK:
                    position.status, memories[row] = ending.judge(
                        deciding[row], functools.partial(states.__getitem__, row), memories[row]
                    )
                history, distances = _rows(seed, position, shown[row], data.examples, walked[row])
                segment = segments[owners[numbers[row]][0]]
                segment.history.append({**history, **{name: members[row][0].spec[name] for name in _SETTINGS}})
                segment.distances.append(distances)
                if (best := ending.best(position, memories[row])) is not None:
                    states[row] = best
            if checkpoint and checkpoint.due:
                print(_how_far(group, positions, stop, data.examples), flush=True)
                _save(checkpoint, segments, [*done, *_together(positions, states, memories)])
        done += _together(positions, states, memories)
    for number, segment in enumerate(segments):
        for rows in (segment.history, segment.distances):
            rows.sort(key=lambda row: seeds.index(row["seed"]))
        own = done[number * len(seeds) : (number + 1) * len(seeds)]
        segment.snapshot = state.stack(seeds, [replica for _, replica in own], [position for position, _ in own])
        segment.facts = {**trainer.facts, "side_by_side": most}
    return segments


def _groups(trainer: Trainer, runs: int, seeds: int) -> list[list[int]]:
    """Return the numbers of the replicas in groups that are trained at once, those of one run after the other's.

    On data on disk, whose window the replicas of a group share, they are those of one run.
    """
    rows = range(runs * seeds)
    parts = [rows[start : start + seeds] for start in rows[::seeds]] if is_streamed(trainer.data) else [rows]
    return [group for part in parts for group in trainer.replicas.groups(part)]


def _stretch(spec: dict[str, Any], examples: int, positions: list[state.Position]) -> Iterator[tuple[Piece, bool]]:
    """Yield the pieces from where a group stands to the stop, and whether the rule of evaluations names their ends."""
    moving = [position for position in positions if position.status not in state.ENDED]
    if not moving:
        return
    at, stop = moving[0], int(spec["stop"])
    points = evaluation_points(spec.get("evaluate"), at.examples, stop, at.updates, int(spec["batch_size"]), examples)
    named = frozenset(points)
    for piece in pieces(at.examples, stop, examples, points):
        yield piece, piece.end in named


def _how_far(seeds: list[int], positions: list[state.Position], stop: int, examples: int) -> str:
    """Return how far a group is, as a line of the job's log."""
    going = max(position.examples for position in positions)
    names = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return f"{names}: epoch {going / examples:.4g} of {stop / examples:.4g}"


def _together(positions: list[state.Position], states: LeftStates, memories: list[state.Arrays]) -> list[Replica]:
    """Return replicas with what is remembered of them."""
    return [(position, {**states[row], **memories[row]}) for row, position in enumerate(positions)]


Metrics = list[dict[str, float]]


def _metrics(trainer: Trainer, positions: list[state.Position], judged: bool, whole: bool) -> tuple[Metrics, Metrics]:
    """Return each replica's metrics, those that are shown and those that decide on its end.

    A replica whose training loss is not finite has diverged and has none.

    Args:
        trainer: The trainer.
        positions: Of its replicas; they become `diverged`.
        judged: Whether the rule of evaluations names the place: then a subset of the examples decides, if there is one.
        whole: Whether all examples are shown.
    """
    none = dict.fromkeys(metric_names(trainer.data.task.metrics), math.nan)
    if all(position.status != state.OK for position in positions):
        return [none for _ in positions], []
    deciding = trainer.metrics(subset=True) if judged else []
    shown = trainer.metrics() if whole and (trainer.has_subset or not judged) else deciding
    for position, metrics in zip(positions, shown, strict=True):
        if position.status == state.OK and not math.isfinite(metrics["train_loss"]):
            position.status = state.DIVERGED
    return [
        metrics if position.status == state.OK else none for position, metrics in zip(positions, shown, strict=True)
    ], deciding


def _columns(data: Resident) -> dict[str, tuple[str, ...]]:
    """Return the columns of both tables, which a segment without rows has, too."""
    place = ("seed", "epoch", "updates")
    history = (*place, "examples", "seconds", "status", *metric_names(data.task.metrics), *_SETTINGS)
    return {"history": history, "distances": (*place, "from_initial", "from_origin")}


def _save(checkpoint: Checkpoint, segments: list[Segment], replicas: list[Replica]) -> None:
    """Write a checkpoint; the last group of replicas is the one in progress."""
    progress = {
        "tables": [segment.tables for segment in segments],
        "positions": [dataclasses.asdict(position) for position, _ in replicas],
    }
    arrays = {f"{row}:{key}": values for row, (_, replica) in enumerate(replicas) for key, values in replica.items()}
    checkpoint.write(progress, arrays)


def _kept(checkpoint: Checkpoint | None, segments: list[Segment]) -> list[Replica]:
    """Return the replicas of a checkpoint and put its rows into the segments' tables; nothing where there is none."""
    found = checkpoint.read() if checkpoint else None
    if not found:
        return []
    progress, arrays = found
    for segment, tables in zip(segments, progress["tables"], strict=True):
        segment.history, segment.distances = tables["history"], tables["distances"]
    positions = [state.Position(**values) for values in progress["positions"]]
    return [(position, _part(arrays, f"{row}:")) for row, position in enumerate(positions)]


def _part(arrays: state.Arrays, prefix: str) -> state.Arrays:
    """Return the arrays of one replica."""
    return {key.removeprefix(prefix): values for key, values in arrays.items() if key.startswith(prefix)}
