"""The held-out loss against the step size: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.probes.one_step.declaration import HELD_OUT_LOSS, STEP_SIZE

DERIVATION = Derivation(
    summary="the held-out loss after one step, averaged over the batches of one size",
    reads=("one_step_draws",),
    table=Table(
        "one_step",
        "one step size for one batch size at one snapshot of one seed",
        columns=(
            *("study", "arm", "epoch", "seed", "batch_size"),
            STEP_SIZE,
            HELD_OUT_LOSS,
            Column("draws", "number of batches", "integer", exact=True),
            *("recipe", "label", "probe"),
        ),
        keys=("study", "arm", "epoch", "probe", "seed", "batch_size", "step_size"),
    ),
)
