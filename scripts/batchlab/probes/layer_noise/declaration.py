"""The gradient noise scale of some layers alone: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Count
from batchlab.declarations.probe import Probe, Situation


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    # One pass for the single gradients, of which each is computed by itself, and one for their sum.
    return float(options["draws"] * options["examples"] * 5)


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    if (drawn := options["examples"]) > situation.examples:
        return {"examples": f"{drawn} is larger than the training set ({situation.examples} examples); choose fewer"}
    return {}


PROBE = Probe(
    summary="the gradient noise scale of each kind of layer alone, beside that of all parameters",
    experiments=("M9",),
    options=(
        Count("examples", "examples of one draw", 128, least=2),
        Count("draws", "draws, over which tr Σ and ‖G‖² are averaged before the quotient", 8),
    ),
    tables=(
        Table(
            "layer_noise",
            "one kind of layer at one snapshot",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column(
                    "layers",
                    "class of the layers in Keras, such as `LayerNormalization`; `all` for the whole model",
                    "text",
                    title="layers",
                    exact=True,
                ),
                Column("parameters", "trainable numbers of these layers", "integer", exact=True),
                Column("trace", "mean unbiased estimate of tr Σ of their part of the gradient", positive=True),
                Column("squared_norm", "mean unbiased estimate of ‖G‖² of that part"),
                Column(
                    "noise_scale",
                    "b = tr Σ / ‖G‖²; empty where ‖G‖² comes out as 0 or less",
                    title="gradient noise scale of these layers",
                    unit="examples",
                    positive=True,
                ),
                Column(
                    "whole",
                    "b of all parameters at the same snapshot",
                    title="gradient noise scale of all parameters",
                    unit="examples",
                    positive=True,
                ),
                Column("of_whole", "noise_scale / whole", title="noise scale, relative to that of all", positive=True),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "layers"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
    faults=_faults,
)
