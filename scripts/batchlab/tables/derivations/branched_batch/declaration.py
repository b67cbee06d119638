"""The critical batch size by branches: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Number
from batchlab.tables.derivations.branch_losses.declaration import TRUNK

DERIVATION = Derivation(
    summary="the largest batch size whose branch is not worse than those of all smaller ones, at each age of the trunk",
    reads=("branch_losses",),
    options=(Number("margin", "loss that counts as no worse, as a share of the smaller batch's", 0.05, above=0),),
    table=Table(
        "branched_batch",
        "one age of a trunk",
        columns=(
            "study",
            TRUNK,
            *("epoch", "learning_rate_rule"),
            Column("sizes", "batch sizes that were tried", "integer", exact=True),
            Column("seeds", "seeds behind the intervals", "integer", exact=True),
            Column(
                "branched_batch",
                "largest batch size that is shown to be no worse than all smaller ones, by upper ends of 95 % intervals"
                " of the ratio of losses",
                title="branched critical batch size",
                unit="examples",
                positive=True,
            ),
            Column(
                "branched_batch_above",
                "smallest batch size that is shown to be worse than a smaller one; empty if none is",
                title="smallest batch size that is worse",
                unit="examples",
                positive=True,
            ),
        ),
        keys=("study", "trunk", "epoch", "learning_rate_rule"),
    ),
)
