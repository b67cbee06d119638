"""What the measured speed and memory say of other micro-batches: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

DERIVATION = Derivation(
    summary="time and memory of an update as straight lines in the micro-batch, with their errors, and what fits",
    reads=("throughput",),
    table=Table(
        "machine",
        "one arm: seconds of an update = per_update + accumulation · (per_micro_batch + per_example · micro_batch),"
        " peak memory = memory_base + memory_per_example · micro_batch",
        columns=(
            *("study", "arm"),
            Column("per_update", "seconds of an update besides its micro-batches", unit="s", clock=True),
            Column("per_micro_batch", "seconds of a micro-batch besides its examples", unit="s", clock=True),
            Column("per_example", "seconds of an example", unit="s", clock=True),
            Column("time_error", "root mean square of (fitted − measured) / measured", clock=True),
            Column("memory_base", "memory without examples", unit="MB", clock=True),
            Column("memory_per_example", "memory of an example of the micro-batch", unit="MB", clock=True),
            Column("memory_error", "root mean square of fitted − measured", unit="MB", clock=True),
            Column(
                "allowed", "memory that was allowed, which leaves the margin to what is free", unit="MB", clock=True
            ),
            Column(
                "largest_micro_batch",
                "largest that fits into what is allowed: by the line plus twice its error, but less than any that had"
                " no memory, and at most 64 times the largest measured",
                "integer",
                clock=True,
            ),
            Column(
                "fastest_micro_batch",
                "measured one with the most examples a second at the fewest micro-batches in an update",
                "integer",
                clock=True,
            ),
            Column(
                "enough_micro_batch",
                "smallest measured one with nine tenths of these: beyond, throughput hardly grows",
                "integer",
                clock=True,
            ),
        ),
        keys=("study", "arm"),
    ),
)
