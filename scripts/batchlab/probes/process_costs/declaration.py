"""Memory and time of a training process: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import BatchSizes, Count, Counts
from batchlab.declarations.probe import Probe, Situation

# Starting a process, with Keras and a compiled update, takes as long as training on so many examples.
_START = 100_000


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    settings = len(options["micro_batches"]) * len(options["accumulations"])
    return float(settings * (_START + 2 * options["examples"]))


PROBE = Probe(
    summary="peak memory and time of training in a process of its own, for each micro-batch and each K",
    experiments=("E26",),
    options=(
        BatchSizes(
            "micro_batches", "examples of a micro-batch; those of the training set are used again where it is smaller"
        ),
        Counts("accumulations", "micro-batches of an update, K", (1, 4, 16), column="accumulation"),
        Count("examples", "examples that are timed, rounded up to whole updates", 16384),
    ),
    tables=(
        Table(
            "process_costs",
            "one process; all settings of a seed run one after the other, so that seeds are interleaved repetitions",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("micro_batch", "examples per micro-batch, B / K", "integer", "micro-batch", exact=True),
                *("accumulation", "batch_size", "examples"),
                Column(
                    "peak_memory",
                    "largest resident memory of the process while it trains, libraries and data included",
                    title="peak memory of the process",
                    unit="MiB",
                    clock=True,
                    replicated=True,
                    positive=True,
                ),
                Column(
                    "update_memory",
                    "what of it came on top while updates were computed; those before have compiled and filled caches",
                    title="memory of an update",
                    unit="MiB",
                    clock=True,
                    replicated=True,
                ),
                Column(
                    "seconds_per_1000",
                    "training time, without compilation, per 1,000 examples",
                    title="time per 1,000 examples",
                    unit="s",
                    clock=True,
                    replicated=True,
                    positive=True,
                ),
                *(name for name in ARM_SETTINGS if name not in ("accumulation", "batch_size")),
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "micro_batch", "accumulation"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
    apart=True,
)
