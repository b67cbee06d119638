"""The best rate of one step for each batch size: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

DERIVATION = Derivation(
    summary="the step size after which the held-out loss is lowest, for each batch size, beside the fitted curve",
    reads=("one_step_draws",),
    table=Table(
        "one_step_optimum",
        "one batch size at one snapshot of one seed",
        columns=(
            *("study", "arm", "epoch", "seed", "batch_size"),
            Column(
                "best_rate",
                "step size of the lowest mean loss, by a parabola through three points; empty where it lies "
                "at an end of the step sizes",
                title="best rate of one step",
                positive=True,
            ),
            Column("fitted_rate", "η_max / (1 + B_noise / B)", title="fitted rate", positive=True),
            Column("rate_over_fit", "best_rate / fitted_rate", title="best rate / fitted curve", positive=True),
            *("recipe", "label", "probe"),
        ),
        keys=("study", "arm", "epoch", "probe", "seed", "batch_size"),
    ),
)
