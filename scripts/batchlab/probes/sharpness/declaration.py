"""Sharpness of a minimum: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Choices, Count, Numbers
from batchlab.declarations.probe import Probe, Situation

# Losses that an iteration of L-BFGS-B asks for on average.
_ASKED = 1.5


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    maxima = sum(
        len(options["relative_radii" if measure == "adaptive" else "radii"]) for measure in options["measures"]
    )
    return float(options["examples"] * maxima * (1 + _ASKED * options["iterations"]))


PROBE = Probe(
    summary="how far the training loss rises within a small box around the weights: Keskar's sharpness, in all weights "
    "and in a random subspace, and one that rescaling of layers leaves as it is",
    experiments=("E9", "E10", "E12"),
    options=(
        Choices(
            "measures",
            "`full`: Keskar's box ε (|w| + 1) in all weights; `subspace`: his box in a random subspace; `adaptive`: "
            "the box ε |w|, which follows the weights when layers are rescaled",
            ("full", "subspace", "adaptive"),
            column="measure",
            words=("full", "subspace", "adaptive"),
        ),
        Numbers("radii", "ε of the boxes `full` and `subspace`", (0.0005, 0.001), above=0),
        Numbers("relative_radii", "ε of the box `adaptive`", (0.05,), above=0),
        Count("directions", "dimensions of the random subspace", 100),
        Count("iterations", "iterations of L-BFGS-B", 10),
        Count("examples", "training examples, drawn for each seed, over which the loss is taken", 2000),
    ),
    tables=(
        Table(
            "sharpness",
            "one box around the weights of a snapshot",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column(
                    "measure",
                    "shape of the box: `full`, `subspace` or `adaptive`",
                    "text",
                    exact=True,
                    words={
                        "full": "all weights, box ε (|w| + 1)",
                        "subspace": "random subspace",
                        "adaptive": "all weights, box ε |w|",
                    },
                ),
                Column("radius", "ε", title="ε", exact=True, sign="ε = "),
                Column(
                    "loss",
                    "f, mean loss over the subset at the weights",
                    title="loss",
                    unit="nats per example",
                    positive=True,
                ),
                Column("highest", "max f in the box, as far as it was found", title="highest loss in the box"),
                Column("sharpness", "φ = 100 (max f − f) / (1 + f)", title="sharpness φ", positive=True),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "measure", "radius"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
)
