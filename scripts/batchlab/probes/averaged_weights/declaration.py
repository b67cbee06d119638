"""Averages of the weights along a run: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Numbers
from batchlab.declarations.probe import Probe, Reads, Situation

_METRICS = tuple(f"{split}_{metric}" for split in ("train", "validation", "test") for metric in ("loss", "accuracy"))
AVERAGES = {
    "last": "the last weights",
    "exponential": "exponential average",
    "uniform": "mean of all snapshots",
}


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    # Forward alone, statistics and then metrics, after a handful of snapshots.
    return float(8 * (2 + len(options["half_lives"])) * situation.examples * 2 / 3)


PROBE = Probe(
    summary="metrics of averages of the weights over a run's snapshots, statistics of batch normalisation taken anew",
    experiments=("M3",),
    reads=Reads.ALL,
    options=(Numbers("half_lives", "epochs after which a snapshot's weight in the average has halved", (4,), above=0),),
    tables=(
        Table(
            "averaged_weights",
            "one average of the snapshots up to an epoch, the first of `epochs` of the probe on",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("averaged_to", "epoch of the last snapshot in it", title="epoch", exact=True),
                Column("before_end", "epochs from there to the last snapshot of all", title="epochs left", exact=True),
                Column(
                    "average",
                    "`last`: that snapshot alone; `exponential`: shares that halve every `half_life` epochs; `uniform`:"
                    " equal shares",
                    "text",
                    title="weights",
                    exact=True,
                    words=AVERAGES,
                ),
                Column("half_life", "in epochs; empty for the others", title="half-life", unit="epochs", exact=True),
                *_METRICS,
                Column(
                    "loss_over_last",
                    "test loss / that of the last weights at the same epoch",
                    title="test loss, relative to that of the last weights",
                    positive=True,
                ),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "averaged_to", "average", "half_life"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
)
