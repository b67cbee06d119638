"""The hyperbola over all seeds: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

DERIVATION = Derivation(
    summary="geometric means over seeds of updates and examples to a target, beside the hyperbola through them",
    reads=("hyperbola",),
    table=Table(
        "hyperbola_curve",
        "one batch size with which every seed reached the target",
        columns=(
            *("study", "dataset", "model", "optimizer", "batch_size"),
            Column("updates", "S, geometric mean", title="parameter updates to the target, S", positive=True),
            Column("examples", "E, geometric mean over seeds", title="examples to the target, E", positive=True),
            Column(
                "fitted_examples",
                "E_min / (1 − S_min / S); empty for S ≤ S_min",
                title="fitted hyperbola",
                positive=True,
            ),
            Column("seeds", "number of seeds", "integer", exact=True),
        ),
        keys=("study", "dataset", "model", "optimizer", "batch_size"),
    ),
)
