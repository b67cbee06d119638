"""Paths of SGD from a snapshot: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import BatchSizes, Choices, Count
from batchlab.declarations.probe import Probe, Situation

# Looking at the weights after each update costs as much as so many examples.
_WATCHED_UPDATE = 80


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    sizes, examples = options["batch_sizes"], options["examples"]
    # Each path is walked again to be drawn.
    walked = 2 * len(options["rates"]) * sum(examples + _WATCHED_UPDATE * examples // size for size in sizes)
    return float(walked + len(options["rates"]) * options["grid"] ** 2 * options["surface_examples"] / 3)


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    every, examples = options["every"], options["examples"]
    if examples > situation.examples:
        return {"examples": f"{examples} is more than the training set ({situation.examples} examples); walk fewer"}
    if examples % every or examples == every:
        return {"every": f"{every} does not divide {examples} examples into two stretches or more; take a divisor"}
    if wrong := [size for size in options["batch_sizes"] if every % size]:
        return {"batch_sizes": f"{wrong[0]} does not divide every = {every}; choose divisors"}
    return {}


_RATES = Column(
    "rates",
    "how the learning rate follows the batch size",
    "text",
    exact=True,
    words={"same": "same learning rate", "linear": "learning rate proportional to B"},
)

PROBE = Probe(
    summary="paths of training from one snapshot with several batch sizes: how ragged they are, and the plane in which "
    "they mostly lie",
    experiments=("E22",),
    options=(
        BatchSizes("batch_sizes", "batch sizes", column="batch_size"),
        Count("examples", "examples that each path uses up; at most an epoch"),
        Count("every", "examples between the points at which all batch sizes are compared; a multiple of each"),
        Choices(
            "rates",
            "`same`: the run's learning rate for every batch size; `linear`: multiplied with B / the run's B",
            ("same", "linear"),
            column="rates",
            words=("same", "linear"),
        ),
        Count("grid", "points along each side of the loss surface", 25, least=2, most=200),
        Count(
            "surface_examples", "training examples, drawn for each seed, over which the surface's loss is taken", 1000
        ),
    ),
    tables=(
        Table(
            "path_lengths",
            "one path, its length taken between points of one kind",
            columns=(
                *("study", "arm", "epoch", "seed"),
                _RATES,
                *("batch_size", "learning_rate"),
                Column(
                    "sampling",
                    "`updates`: after each update of the whole path; `examples`: after every so many examples of it; "
                    "`first`: after each of its first updates, as many as the largest batch size makes",
                    "text",
                    exact=True,
                    words={
                        "updates": "each update, equal examples",
                        "examples": "equal examples between points",
                        "first": "each update, equal updates",
                    },
                ),
                *("updates", "examples"),
                Column("length", "Σ ‖w(next point) − w(point)‖", title="length of the path", positive=True),
                Column("displacement", "‖w(end) − w(start)‖", title="net displacement", positive=True),
                Column(
                    "raggedness",
                    "length / displacement: 1 for a straight line",
                    title="raggedness, length / net displacement",
                    positive=True,
                ),
                *(name for name in ARM_SETTINGS if name not in ("batch_size", "learning_rate")),
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "rates", "batch_size", "sampling"),
            arm_columns=ARM_SETTINGS,
        ),
        Table(
            "plane",
            "one update of a path, or one point of the loss surface (without batch size and updates), in the plane "
            "through the snapshot that is nearest to the points of all paths, those that `every` gives",
            columns=(
                *("study", "arm", "epoch", "seed"),
                _RATES,
                *("batch_size", "updates"),
                Column("first", "coordinate along the first direction", title="along the first main direction"),
                Column("second", "coordinate along the second direction", title="along the second main direction"),
                Column(
                    "loss",
                    "mean loss at a point of the surface; empty for a path",
                    title="loss",
                    unit="nats per example",
                ),
                Column("share", "share of the points' squared distances from the snapshot that lies in the plane"),
                "recipe",
                "label",
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "rates", "batch_size", "updates", "first", "second"),
            arm_columns=("recipe", "label"),
        ),
    ),
    work=_work,
    faults=_faults,
)
