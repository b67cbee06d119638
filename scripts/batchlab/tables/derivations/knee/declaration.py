"""Where larger batches stop saving updates: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

DERIVATION = Derivation(
    summary="of a grid of batch sizes and rates: the size beyond which larger ones hardly save updates to the target",
    reads=("cells",),
    table=Table(
        "knee",
        "one metric and target: updates at the best rates follow fewest · (1 + knee / B)",
        columns=(
            *("study",),
            Column("sizes", "batch sizes that reach the target with every seed", "integer"),
            Column("n", "seeds that all of them have", "integer"),
            Column("fewest_updates", "updates to the target that no batch size saves", positive=True),
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
