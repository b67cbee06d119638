"""Which batch size for which aim: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

_INTERVAL = "its 90 % interval over seeds"

DERIVATION = Derivation(
    summary="for each of four aims and each batch size of a grid: micro-batch, accumulation, rate, what it reaches, and"
    " whether it can be told apart from the best",
    reads=("cells", "machine", "throughput", "workload"),
    table=Table(
        "choices",
        "one aim and batch size",
        columns=(
            "study",
            Column(
                "aim", "`time`, `examples` (both to the target), `metric` (at the end) or `memory`", "text", exact=True
            ),
            "batch_size",
            Column("micro_batch", "examples that pass through the model together", "integer", clock=True),
            Column("accumulation", "micro-batches in an update", "integer", clock=True),
            Column(
                "learning_rate", "the best rate for the aim, by the seeds that all rates of this size have", exact=True
            ),
            Column("rate_low", "5th percentile of the best rate, of those that were tried, when seeds are resampled"),
            Column("rate_high", "95th percentile"),
            Column("edge", "1 if it is the lowest or highest rate that was tried at this size", "integer", exact=True),
            Column("n", "seeds", "integer", exact=True),
            Column("reached", "seeds that reach the target at this rate", "integer", exact=True),
            Column(
                "value",
                "mean over seeds, for each at the rate that the others choose; geometric for `time` and `examples`; for"
                " `memory` the measured or fitted peak",
            ),
            Column("value_low", f"lower end of {_INTERVAL}; for `memory` twice the error of its line"),
            Column("value_high", "upper end"),
            Column("unit", "of value", "text", exact=True),
            Column(
                "behind",
                "how much worse than the best: a ratio for `time`, `examples` and `memory`, a difference for `metric`",
            ),
            Column("behind_low", f"lower end of {_INTERVAL}, paired by seed"),
            Column("behind_high", "upper end"),
            Column(
                "best_share",
                "share of the resamples in which this size is the best; 0 without the seeds that the best one has",
                bounds=(0, 1),
            ),
            Column(
                "verdict",
                "`best`, `cannot be told apart`, `worse`, `undetermined` (one seed), or `does not reach the target`",
                "text",
                exact=True,
            ),
            Column("more_seeds", "more seeds that would tell it apart from the best; empty beyond 100", "integer"),
            Column("more_seconds", "what these would take on this machine", unit="s", clock=True),
        ),
        keys=("study", "aim", "batch_size"),
    ),
)
