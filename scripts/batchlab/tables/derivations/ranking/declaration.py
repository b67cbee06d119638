"""Every arm against the best one: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, ColumnField, Headline, Text

DERIVATION = Derivation(
    summary="arms in order of a metric at their last epoch, each compared with the best of its data set and model",
    reads=("history",),
    options=(
        Headline(
            "metric", "column of history that ranks the arms; by default the task's test accuracy, RMSE, …", OPTIONAL
        ),
        ColumnField(
            "better", "whether `higher` or `lower` values are better", OPTIONAL, words=("higher", "lower"), of="metric"
        ),
        Text("recipe", "recipe of the arms that are ranked; without it, all arms are", OPTIONAL),
    ),
    table=Table(
        "ranking",
        "one arm; those of one data set and model together, the best of them first",
        columns=(
            *("study", "arm"),
            Column("metric", "the metric that ranks the arms", "text", exact=True),
            Column("mean", "mean over seeds of the finite values"),
            Column("n", "number of finite values", "integer", exact=True),
            Column("ci_low", "lower end of the 95 % Student interval; empty if n < 2"),
            Column("ci_high", "upper end"),
            Column("runs", "number of runs", "integer", exact=True),
            Column("difference", "mean over shared seeds of arm − best; empty for the best"),
            Column("difference_low", "lower end of its 95 % Student interval"),
            Column("difference_high", "upper end"),
            Column("p_holm", "p of the paired t test, adjusted by Holm's method over all arms", bounds=(0, 1)),
            Column("verdict", "best, worse, or cannot be told apart (p_holm ≥ 0.05)", "text", exact=True),
            Column("last_epoch", "epochs that the arm was trained"),
            *ARM_SETTINGS,
        ),
        keys=("study", "arm"),
    ),
)
