"""How long training takes to reach a target: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, ColumnField, Flag, Headline, Number

DERIVATION = Derivation(
    summary="the first evaluation at which a metric reaches a target: epochs, updates, examples and seconds up to it",
    reads=("history",),
    options=(
        Headline(
            "metric",
            "column of history that is to reach the target; by default the task's test accuracy, RMSE, …",
            OPTIONAL,
        ),
        Number("target", "value to reach, in the unit of the table"),
        ColumnField(
            "better", "whether `higher` or `lower` values are better", OPTIONAL, words=("higher", "lower"), of="metric"
        ),
        Flag("interpolate", "place the crossing on the line between the evaluations around it", False),
    ),
    table=Table(
        "steps_to_target",
        "one run; of one that has not reached the target, the end (it would have taken at least so long)",
        columns=(
            *("study", "arm", "seed"),
            Column("metric", "the metric that is to reach the target", "text", exact=True),
            Column("target", "value to reach", exact=True),
            Column("reached", "1 if the run has reached it, 0 if not", "integer", exact=True),
            Column("value", "the metric at the evaluation, or the best value of a run that has not reached the target"),
            Column("epoch", "epochs up to it", title="epochs to target", positive=True, censored=True),
            Column("updates", "updates up to it", title="parameter updates to target", positive=True, censored=True),
            Column("examples", "examples seen up to it", title="examples to target", positive=True, censored=True),
            Column(
                "seconds",
                "training time up to it",
                title="time to target",
                unit="s",
                clock=True,
                positive=True,
                censored=True,
            ),
            "status",
            *ARM_SETTINGS,
        ),
        keys=("study", "arm", "seed"),
    ),
)
