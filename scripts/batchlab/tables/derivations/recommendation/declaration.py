"""Which batch size and learning rate to take: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import ColumnName

DERIVATION = Derivation(
    summary="of a grid of batch sizes and learning rates: the best rate of each size, the best size, advice in words",
    reads=("history",),
    options=(
        ColumnName(
            "choose", "column of history by whose last values rates and sizes are chosen", "validation_accuracy"
        ),
        ColumnName("tell", "column of history that is told of the chosen ones", "test_accuracy"),
    ),
    table=Table(
        "recommendation",
        "one batch size at its best learning rate",
        columns=(
            "study",
            "batch_size",
            Column(
                "learning_rate", "the rate with the highest mean of `choose`", title="best learning rate", exact=True
            ),
            Column("chosen", "mean of `choose` over seeds at that rate"),
            Column("n", "seeds", "integer", exact=True),
            Column("mean", "mean of `tell`; for each seed at the rate that the other seeds choose"),
            Column("ci_low", "lower end of its 95 % t interval over seeds, 0 at least"),
            Column("ci_high", "upper end, 1 at most"),
            Column("below_best", "mean of the recommended size's `tell` − this one's, paired by seed"),
            Column("below_low", "lower end of its interval"),
            Column("below_high", "upper end of its interval"),
            Column("updates", "parameter updates of a run", "integer", exact=True),
            Column("recommended", "1 for the size with the highest `chosen`", "integer", exact=True),
            Column("advice", "what follows, in words; in the recommended row only", "text"),
        ),
        keys=("study", "batch_size"),
    ),
)
