"""The batch size from which on more examples save few updates: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Number

DERIVATION = Derivation(
    summary="the batch size at which updates at tuned rates exceed perfect scaling by a given share",
    reads=("tuned_runs",),
    options=(Number("excess", "share by which they exceed it", 0.2, above=0),),
    table=Table(
        "critical_batch",
        "one seed of one data set, model and optimizer",
        columns=(
            *("study", "seed", "dataset", "model", "optimizer"),
            Column(
                "critical",
                "that batch size, on straight lines between logarithms; where updates never exceed it, the largest",
                title="batch size at which updates exceed perfect scaling",
                positive=True,
                censored=True,
                open_at={"grid_end": "either"},
            ),
            Column("reached", "1 if updates exceed it at a batch size that was tried; 0 if not", "integer", exact=True),
            Column(
                "grid_end",
                "`both` if the tuned rate of such a run lies at an end of those that were tried, else empty",
                "text",
                exact=True,
            ),
            Column("sizes", "batch sizes at which the run reached the target", "integer", exact=True),
        ),
        keys=("study", "seed", "dataset", "model", "optimizer"),
    ),
)
