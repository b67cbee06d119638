"""Speed and memory of this machine against the micro-batch: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.options import Count, Counts, Number
from batchlab.declarations.probe import Probe, Situation

_SETTINGS = ("dataset", "model", "optimizer", "precision", "recipe", "label")


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    fewest = min(options["accumulations"])
    if fewest <= situation.examples:
        return {}
    return {"accumulations": f"{fewest} is more than the training set ({situation.examples} examples); name less"}


PROBE = Probe(
    summary="examples a second and peak memory of training on this machine, from small micro-batches to large ones",
    experiments=("E21", "E31"),
    options=(
        Number("factor", "from one micro-batch to the next", 4, least=2, most=64),
        Counts("accumulations", "micro-batches in an update", (1, 4), column="accumulation"),
        Number("seconds", "no micro-batch is begun later than this after the start", 40, above=0),
        Number(
            "memory_share",
            "share of the memory that is free at the beginning which may be taken",
            0.7,
            above=0,
            most=0.9,
        ),
        Count("largest", "largest batch that is tried; the training set bounds it, too", 65536),
    ),
    tables=(
        Table(
            "throughput",
            "one micro-batch and accumulation",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column(
                    "micro_batch",
                    "examples that pass through the model together",
                    "integer",
                    "micro-batch",
                    "examples",
                    exact=True,
                ),
                *("accumulation", "batch_size"),
                Column(
                    "seconds_per_update",
                    "training time of an update, the median of several stretches; empty unless `outcome` is `measured`",
                    title="time per update",
                    unit="s",
                    clock=True,
                    positive=True,
                ),
                Column(
                    "examples_per_second",
                    "batch_size / seconds_per_update",
                    title="examples a second",
                    clock=True,
                    positive=True,
                ),
                Column(
                    "memory",
                    "peak memory of the process; on a GPU, of its device",
                    title="peak memory",
                    unit="MB",
                    clock=True,
                    positive=True,
                ),
                Column(
                    "allowed",
                    "memory that the process could take before it would have been stopped",
                    unit="MB",
                    clock=True,
                ),
                Column(
                    "outcome",
                    "`measured`; `no memory`: it was stopped at the limit, or found none; `no time`: it was stopped;"
                    " `not begun`: a smaller one had no memory, or the time was over; `failed`: the log says why",
                    "text",
                    clock=True,
                ),
                *_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "micro_batch", "accumulation"),
            arm_columns=_SETTINGS,
        ),
        Table(
            "workload",
            "what of model and data counts for the choice of a batch size",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("parameters", "trained numbers of the model", "integer", exact=True),
                Column("training_examples", "examples of the training set", "integer", exact=True),
                Column("normalising", "layers that normalise by the statistics of a batch", "integer", exact=True),
                Column("random", "layers that draw random numbers in training, such as dropout", "integer", exact=True),
                Column("evaluation", "time of one evaluation of all splits, as after each epoch", unit="s", clock=True),
                Column("device", "cpu or gpu", "text", clock=True),
                Column("cores", "processors that this machine gives", "integer", clock=True),
                *_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed"),
            arm_columns=_SETTINGS,
        ),
    ),
    derived=("machine",),
    faults=_faults,
    apart=True,
)
