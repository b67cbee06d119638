"""Which batch size and learning rate to take: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, Headline

DERIVATION = Derivation(
    summary="of a grid of batch sizes and learning rates: the best rate of each size, the best size, advice in words",
    reads=("history",),
    options=(
        Headline(
            "choose",
            "column of history by whose last values rates and sizes are chosen; by default the task's validation "
            "accuracy, RMSE, …",
            OPTIONAL,
            split="validation",
        ),
        Headline(
            "tell", "column of history that is told of the chosen ones; by default that of the test set", OPTIONAL
        ),
    ),
    fields=("title", "unit", "factor", "bounds", "better"),
    table=Table(
        "recommendation",
        "one batch size at its best learning rate",
        columns=(
            "study",
            "batch_size",
            Column("learning_rate", "the rate with the best mean of `choose`", title="best learning rate", exact=True),
            Column("chosen", "mean of `choose` over seeds at that rate"),
            Column("n", "seeds", "integer", exact=True),
            Column("mean", "mean of `tell`; for each seed at the rate that the other seeds choose"),
            Column("ci_low", "lower end of its 95 % t interval over seeds, cut at the bounds of `tell`"),
            Column("ci_high", "upper end, likewise"),
            Column(
                "below_best",
                "how much better `tell` is of the recommended size, paired by seed; positive whatever is better",
            ),
            Column("below_low", "lower end of its interval"),
            Column("below_high", "upper end of its interval"),
            Column("updates", "parameter updates of a run", "integer", exact=True),
            Column("recommended", "1 for the size with the best `chosen`", "integer", exact=True),
            Column("advice", "what follows, in words; in the recommended row only", "text"),
        ),
        keys=("study", "batch_size"),
    ),
)
