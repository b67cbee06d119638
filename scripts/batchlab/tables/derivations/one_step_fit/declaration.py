"""The noise scale from one step: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

DERIVATION = Derivation(
    summary="η_max and B_noise of the curve η_max / (1 + B_noise / B) through the best rates of one step",
    reads=("one_step_draws",),
    table=Table(
        "one_step_fit",
        "one snapshot of one seed; intervals are over draws at one snapshot of one seed",
        columns=(
            *("study", "arm", "epoch", "seed"),
            Column("rates", "batch sizes whose best rate is known", "integer", exact=True),
            Column(
                "maximal_rate",
                "η_max; empty where it is not determined, as the rates show no bend",
                title="best rate of one step of a large batch, η_max",
                positive=True,
            ),
            Column("maximal_rate_low", "lower end of the 95 % interval, by the jackknife over draws", positive=True),
            Column("maximal_rate_high", "upper end", positive=True),
            Column(
                "step_noise",
                "B_noise; empty where it is not determined",
                title="noise scale of one step, B_noise",
                unit="examples",
                positive=True,
            ),
            Column("step_noise_low", "lower end of the 95 % interval, by the jackknife over draws", positive=True),
            Column("step_noise_high", "upper end", positive=True),
            *("recipe", "label", "probe"),
        ),
        keys=("study", "arm", "epoch", "probe", "seed"),
    ),
)
