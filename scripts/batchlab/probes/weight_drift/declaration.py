"""How far accumulated updates drift from whole batches: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Count, Counts
from batchlab.declarations.probe import Probe, Situation

# Looking at the weights after each update costs as much as so many examples.
_WATCHED_UPDATE = 80


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    return float(options["updates"] * (len(options["accumulations"]) + 1) * (situation.batch_size + _WATCHED_UPDATE))


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    size = situation.batch_size
    wrong = [k for k in options["accumulations"] if size % k]
    if not wrong:
        return {}
    return {"accumulations": f"K = {wrong[0]} does not divide B = {size} of arm {situation.arm}; choose divisors"}


PROBE = Probe(
    summary="how far training with K micro-batches moves from training with whole batches, update by update",
    experiments=("E23",),
    options=(
        Count("updates", "number of updates"),
        Counts("accumulations", "the K that are compared with K = 1", (1, 4, 16), column="accumulation", most=10**9),
    ),
    tables=(
        Table(
            "weight_drift",
            "one update of training with K micro-batches, beside training with one",
            columns=(
                *("study", "arm", "epoch", "seed", "accumulation", "updates", "examples"),
                Column("max_difference", "max ∣Δw∣", title="largest weight difference, max |Δw|", positive=True),
                Column(
                    "relative_difference",
                    "‖Δw‖ / ‖w‖",
                    title="relative weight difference, |Δw| / |w|",
                    positive=True,
                ),
                *(name for name in ARM_SETTINGS if name != "accumulation"),
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "accumulation", "updates"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    rows={"updates": "updates"},
    work=_work,
    faults=_faults,
)
