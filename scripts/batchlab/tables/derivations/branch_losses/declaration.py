"""Losses of branches: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import ColumnName

TRUNK = Column("trunk", "arm off which the branches go", "text", exact=True)

DERIVATION = Derivation(
    summary="the loss at the end of branches that see equally many examples at several batch sizes",
    reads=("history", "arms"),
    options=(ColumnName("loss", "column of history that is compared", "train_loss"),),
    table=Table(
        "branch_losses",
        "one branch and seed; of branches that diverged, losses are empty",
        columns=(
            *("study", "arm"),
            TRUNK,
            *("seed", "epoch"),
            *("learning_rate_rule", "batch_size", "learning_rate"),
            Column("factor", "k, its batch size over the smallest one of its age", "number", "batch size factor k"),
            Column(
                "branch_loss", "loss at the end of the branch", title="loss at the end of the branch", positive=True
            ),
            Column(
                "loss_over_smallest",
                "branch_loss over that of the smallest batch size of the same seed and age",
                title="loss, relative to the smallest batch",
                positive=True,
            ),
            *("status", "recipe", "label"),
        ),
        keys=("study", "arm", "seed"),
    ),
)
