"""What rules of thumb would have said and cost: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Text

DERIVATION = Derivation(
    summary="of a grid of batch sizes and rates: what rules of thumb say, and what they cost beside the best choice",
    reads=("cells", "choices"),
    options=(Text("present", "recipe of the present setting, from which rules start", "present"),),
    table=Table(
        "thumb_rules",
        "one rule and batch size",
        columns=(
            "study",
            Column(
                "rule",
                "`present`, `constant` rate, `sqrt`: rate ∝ √B, `linear`: rate ∝ B, `thirty-two`: B = 32 at the present"
                " rate, `largest`: the largest size of the grid at the present rate; `measured`: the best rates",
                "text",
                exact=True,
            ),
            "batch_size",
            Column("learning_rate", "what the rule says; empty for `measured`", exact=True),
            Column("exponent", "x in rate ∝ B^x"),
            Column("exponent_low", "5th percentile over resamples of seeds, for `measured`"),
            Column("exponent_high", "95th percentile"),
            Column("n", "seeds", "integer", exact=True),
            Column("reached", "seeds that reach the target", "integer", exact=True),
            Column("seconds", "geometric mean of the time to the target", unit="s", clock=True),
            Column("cost", "ratio to the best time among all sizes and rates", clock=True),
            Column("cost_low", "lower end of its 90 % interval over seeds", clock=True),
            Column("cost_high", "upper end", clock=True),
            Column("final", "mean of the metric at the end"),
        ),
        keys=("study", "rule", "batch_size"),
    ),
)
