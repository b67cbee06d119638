"""Where the losses of branches begin to rise, seed by seed: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Number
from batchlab.tables.derivations.branch_losses.declaration import TRUNK

DERIVATION = Derivation(
    summary="the batch size from which on branches of one seed lose more than a tolerance, at each age of the trunk",
    reads=("branch_losses",),
    options=(Number("tolerance", "loss that is allowed, as a share of the smallest batch's", 0.05, above=0),),
    table=Table(
        "branch_limits",
        "one age of a trunk and one seed",
        columns=(
            "study",
            TRUNK,
            *("epoch", "learning_rate_rule", "seed"),
            Column(
                "branch_limit",
                "the batch size at which the loss first crosses 1 + tolerance times that of the smallest batch, on the"
                " line between logarithms; empty where it never does",
                title="batch size at which branches begin to lose",
                unit="examples",
                positive=True,
            ),
            Column("tried", "the largest batch size that was tried", "integer", exact=True),
        ),
        keys=("study", "trunk", "epoch", "learning_rate_rule", "seed"),
    ),
)
