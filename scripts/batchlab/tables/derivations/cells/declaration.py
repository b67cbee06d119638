"""What each run of a grid of batch sizes and rates needs to a target: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, ColumnField, Headline, Number, Text

DERIVATION = Derivation(
    summary="of a grid of batch sizes and rates: what each run needs to a target, in time of an idle machine",
    reads=("history", "machine", "throughput", "workload"),
    options=(
        Headline(
            "metric",
            "column of history that is to reach the target; by default the task's validation accuracy, RMSE, …",
            OPTIONAL,
            split="validation",
        ),
        ColumnField(
            "better", "whether `higher` or `lower` values are better", OPTIONAL, words=("higher", "lower"), of="metric"
        ),
        Text("present", "recipe of the present setting, at which the machine was measured", "present"),
        Number(
            "target",
            "value to reach; without it, the best value that every seed of the present setting reaches; of the setting"
            " with the best mean, if a seed of the present one diverged",
            OPTIONAL,
        ),
    ),
    table=Table(
        "cells",
        "one run; of one that has not reached the target, the end (it would have taken at least so long)",
        columns=(
            *("study", "arm", "seed"),
            Column("metric", "the metric that is to reach the target", "text", exact=True),
            Column("target", "value to reach"),
            Column("better", "whether higher or lower values are better", "text", exact=True),
            Column("reached", "1 if the run has reached it, 0 if not", "integer"),
            Column(
                "final", "the metric at the end of the run; empty if it diverged", title="validation value at the end"
            ),
            Column(
                "updates",
                "updates to the target, placed on the line between two evaluations",
                positive=True,
                censored=True,
                title="updates to target",
            ),
            Column("examples", "examples to the target", title="examples to target", positive=True, censored=True),
            Column(
                "seconds",
                "updates · seconds_per_update",
                title="training time to target",
                unit="s",
                clock=True,
                positive=True,
                censored=True,
            ),
            Column(
                "seconds_per_update",
                "time of an update on the idle machine: measured at this micro-batch and accumulation, or by the lines"
                " of `machine`",
                unit="s",
                clock=True,
            ),
            Column(
                "run_seconds", "time of the whole run on the idle machine, evaluations included", unit="s", clock=True
            ),
            Column("micro_batch", "examples that pass through the model together", "integer", exact=True),
            "status",
            *ARM_SETTINGS,
        ),
        keys=("study", "arm", "seed"),
    ),
)
