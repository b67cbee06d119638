"""The loss along random directions around a snapshot: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Count, Number
from batchlab.declarations.probe import Probe, Situation

_METRICS = tuple(f"{split}_{metric}" for split in ("train", "validation", "test") for metric in ("loss", "accuracy"))


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    line = options["directions"] * options["points"] * situation.examples * 2
    return float((line + options["grid"] ** 2 * options["surface_examples"]) / 3)


PROBE = Probe(
    summary="metrics along random directions through the weights, scaled unit by unit like these (filter "
    "normalisation), and the loss over two of them",
    experiments=("E22",),
    options=(
        Count("directions", "random directions of lines, the same for all arms", 3),
        Count("points", "points along each line", 21, least=3),
        Number("reach", "how far lines and surface reach: 1 is a change as long as the weights", 1.0, above=0),
        Count("grid", "points along each side of the surface", 25, least=2, most=200),
        Count(
            "surface_examples", "training examples, drawn for each seed, over which the surface's loss is taken", 1000
        ),
    ),
    tables=(
        Table(
            "random_lines",
            "one point of a line, the mean over the directions",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column(
                    "step",
                    "distance from the weights, relative to each unit's",
                    title="step / norm of the weights",
                    exact=True,
                ),
                *_METRICS,
                Column(
                    "rise",
                    "training loss less that of the weights themselves",
                    title="rise of the training loss",
                    unit="nats per example",
                ),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "step"),
            arm_columns=ARM_SETTINGS,
        ),
        Table(
            "random_surface",
            "one point of the surface over two random directions",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("first", "step along the first direction", title="step along the first direction"),
                Column("second", "step along the second direction", title="step along the second direction"),
                Column("loss", "mean loss over the subset", title="loss", unit="nats per example", positive=True),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "first", "second"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
)
