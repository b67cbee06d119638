"""The first updates after a snapshot: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import BatchSizes, Count
from batchlab.declarations.probe import Probe, Situation

# Looking at the weights after each update costs as much as so many examples.
_WATCHED_UPDATE = 80


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    return float(options["updates"] * sum(size + _WATCHED_UPDATE for size in options["batch_sizes"]))


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    largest, examples = max(options["batch_sizes"]), situation.examples
    if largest <= examples:
        return {}
    return {"batch_sizes": f"{largest} is larger than the training set ({examples} examples); name sizes it holds"}


PROBE = Probe(
    summary="loss and distance along the first updates after a snapshot, for several batch sizes",
    experiments=("E6", "E30"),
    options=(
        Count("updates", "number of updates"),
        BatchSizes("batch_sizes", "batch sizes", column="batch_size"),
    ),
    tables=(
        Table(
            "trajectory",
            "one update after the snapshot",
            columns=(
                *("study", "arm", "epoch", "seed", "batch_size", "updates", "examples"),
                Column("loss", "mean loss of the update's examples before it", title="loss", unit="nats per example"),
                Column(
                    "from_start", "‖w − w(snapshot)‖", title="distance from the snapshot, |w − w(s)|", positive=True
                ),
                *(name for name in ARM_SETTINGS if name != "batch_size"),
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "batch_size", "updates"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    rows={"updates": "updates"},
    work=_work,
    faults=_faults,
)
