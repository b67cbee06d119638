"""Where larger batches stop saving updates: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Number

DERIVATION = Derivation(
    summary="of a grid of batch sizes and rates: the size beyond which larger ones hardly save updates",
    reads=("history", "cells"),
    options=(
        Number(
            "share",
            "updates are counted to this share of the way from the untrained model to the target of `cells`, which the"
            " largest batches often miss",
            0.9,
            above=0,
            most=1,
        ),
    ),
    table=Table(
        "knee",
        "one metric: updates at the best rates follow fewest · (1 + knee / B)",
        columns=(
            *("study",),
            Column("goal", "value to which updates are counted"),
            Column("sizes", "batch sizes that reach it with every seed", "integer"),
            Column("n", "seeds that all of them have", "integer"),
            Column("fewest_updates", "updates to it that no batch size saves", positive=True),
            Column(
                "knee",
                "batch size at which updates are twice the fewest; empty with fewer than three sizes, and where updates"
                " show no bend",
                title="measured knee",
                unit="examples",
                positive=True,
            ),
            Column(
                "knee_low",
                "lower end of its 90 % interval by resampling seeds; empty if some show no bend",
                positive=True,
            ),
            Column("knee_high", "upper end", positive=True),
        ),
        keys=("study",),
    ),
)
