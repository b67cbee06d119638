"""The straight line between the weights of two arms: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Count, Limits
from batchlab.declarations.probe import Probe, Reads, Situation

_METRICS = tuple(f"{split}_{metric}" for split in ("train", "validation", "test") for metric in ("loss", "accuracy"))


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    return float(options["points"] * situation.examples * 2 / 3)  # forward alone: statistics, then metrics


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    low, high = options["between"]
    return {} if low < high else {"between": f"{low:g} is not below {high:g}; give [low, high]"}


PROBE = Probe(
    summary="metrics along the straight line through the weights of two arms, statistics of batch normalisation taken "
    "anew at every point",
    experiments=("E7",),
    reads=Reads.ARMS,
    options=(
        Count("points", "evenly spaced points", 25, least=2),
        Limits("between", "α of the first and the last point: 0 is the arm `against`, 1 the measured one", (-1, 2)),
    ),
    tables=(
        Table(
            "interpolation",
            "one point (1 − α) w(against) + α w(arm) of the line",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("alpha", "α", title="α", exact=True, sign="α = "),
                *_METRICS,
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "alpha"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
    faults=_faults,
)
