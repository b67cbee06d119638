"""How many settings of the hyperparameters serve a batch size: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import OPTIONAL, ColumnField, Headline, Number
from batchlab.tables.derivations.tuned_runs.declaration import GRID_END

DERIVATION = Derivation(
    summary="of all settings that were tried at a batch size with an optimizer: the share that ends near the best one",
    reads=("history",),
    options=(
        Headline(
            "metric",
            "column of history whose last values are compared; by default the task's validation accuracy, RMSE, …",
            OPTIONAL,
            split="validation",
        ),
        ColumnField(
            "better", "whether `higher` or `lower` values are better", OPTIONAL, words=("higher", "lower"), of="metric"
        ),
        Number("within", "how much worse than the best a good setting may be, in the table's unit", least=0),
    ),
    table=Table(
        "good_settings",
        "one seed at one batch size with one optimizer",
        columns=(
            *("study", "seed", "dataset", "model", "optimizer", "batch_size"),
            Column("settings", "settings that were tried", "integer", exact=True),
            Column("good", "those that end within `within` of the best", "integer", exact=True),
            Column("share", "good / settings", title="share of good settings", unit="%", factor=100, bounds=(0, 1)),
            Column(
                "best",
                "value of the best setting",
                title="value of the best setting",
                open_at={"grid_end": "either"},
            ),
            Column("best_rate", "its learning rate", title="best learning rate", exact=True, positive=True),
            GRID_END,
        ),
        keys=("study", "seed", "dataset", "model", "optimizer", "batch_size"),
    ),
)
