"""Which learning rates serve a batch size: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, ColumnField, Headline, Number
from batchlab.tables.derivations.tuned_runs.declaration import GRID_END

DERIVATION = Derivation(
    summary="of a grid of batch sizes and learning rates: the best rate of each size and the range of good ones",
    reads=("history",),
    options=(
        Headline(
            "metric",
            "column of history whose values are compared; by default the task's test accuracy, RMSE, …",
            OPTIONAL,
        ),
        ColumnField(
            "better", "whether `higher` or `lower` values are better", OPTIONAL, words=("higher", "lower"), of="metric"
        ),
        Number("epoch", "epoch at which they are compared; the last of each arm without it", OPTIONAL, above=0),
        Number(
            "within", "how much worse than the best rate of its size a good one may be, in the table's unit", least=0
        ),
    ),
    table=Table(
        "rate_range",
        "one seed at one batch size",
        columns=(
            *("study", "seed", "dataset", "model", "optimizer", "batch_size"),
            Column(
                "best_rate",
                "the rate with the best value",
                title="best learning rate",
                exact=True,
                positive=True,
                open_at={"grid_end": "beyond"},
            ),
            GRID_END,
            Column("best", "the value there", open_at={"grid_end": "either"}),
            Column("lowest", "smallest rate of the unbroken range of good rates around it", positive=True),
            Column("highest", "largest rate of that range", title="largest good learning rate", positive=True),
            Column(
                "octaves",
                "log₂ of highest / lowest, in a grid of that grain",
                title="range of good rates",
                unit="octaves",
                open_at={"beyond": "above"},
            ),
            Column(
                "beyond",
                "`low`, `high` or `both` if the range reaches that end of the grid, and may go on beyond it",
                "text",
                exact=True,
            ),
            Column("rates", "learning rates that were tried", "integer", exact=True),
        ),
        keys=("study", "seed", "dataset", "model", "optimizer", "batch_size"),
    ),
)
