"""Running against re-estimated statistics of batch normalisation: what the probe writes."""

from __future__ import annotations

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.probe import Probe

_METRICS = tuple(f"{split}_{metric}" for split in ("train", "validation", "test") for metric in ("loss", "accuracy"))

PROBE = Probe(
    summary="metrics with the running statistics of batch normalisation and with those of the whole training set",
    experiments=("E24",),
    tables=(
        Table(
            "running_statistics",
            "the same weights with one kind of statistics",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column(
                    "statistics",
                    "`running` or `re_estimated`",
                    "text",
                    exact=True,
                    words={"re_estimated": "re-estimated"},
                ),
                *_METRICS,
                Column("mean_difference", "‖m − p‖ / ‖p‖, m the means in use, p those of the training set"),
                Column("variance_difference", "the same of variances"),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "statistics"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
)
