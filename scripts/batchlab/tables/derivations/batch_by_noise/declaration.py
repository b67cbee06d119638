"""Which batch sizes published rules make of the gradient noise: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Number

DERIVATION = Derivation(
    summary="the batch sizes that published rules make of gradient noise and best rates of one step, over seeds",
    reads=("noise_scale", "one_step_fit"),
    options=(Number("theta", "of the norm test: a batch's noise is at most this times ‖G‖", 0.5, above=0, most=1),),
    table=Table(
        "batch_by_noise",
        "one rule at one snapshot of one arm",
        columns=(
            *("study", "arm", "epoch"),
            Column(
                "rule",
                "`noise_scale`: b = tr Σ / ‖G‖² (McCandlish et al. 2018); `norm_test`: b / θ² (Byrd et al. 2012);"
                " `diversity`: N Σ‖gᵢ‖² / ‖Σgᵢ‖² = 1 + b, the bound of Yin et al. 2018; `one_step`: B at"
                " which the best rate of one step is half of that of a large batch (McCandlish et al. 2018)",
                "text",
                exact=True,
                words={
                    "noise_scale": "noise scale",
                    "norm_test": "norm test",
                    "diversity": "gradient diversity",
                    "one_step": "best rate of one step",
                },
            ),
            Column("n", "seeds at which it is determined", "integer"),
            Column(
                "size",
                "geometric mean over these seeds; empty if there is none",
                title="batch size by the rule",
                unit="examples",
                positive=True,
            ),
            Column("size_low", "lower end of its 90 % interval over seeds", positive=True),
            Column("size_high", "upper end", positive=True),
        ),
        keys=("study", "arm", "epoch", "rule"),
    ),
)
