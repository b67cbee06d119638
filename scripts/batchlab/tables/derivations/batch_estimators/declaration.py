"""How many examples a batch needs, by several estimators: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation

DERIVATION = Derivation(
    summary="noise scales and critical batch sizes by all estimators, at the same snapshots of one run",
    reads=("noise_scale", "one_step_fit", "branched_batch", "branch_limits", "hyperbola"),
    table=Table(
        "batch_estimators",
        "one estimator at one snapshot; branches that are equivalent over seeds have one value for all of them, and"
        " examples against updates one at the epoch at which the target is reached",
        columns=(
            *("study", "epoch", "seed"),
            Column(
                "quantity",
                "which number of examples",
                "text",
                title="estimator",
                exact=True,
                words={
                    "all_examples": "tr Σ / ‖G‖², all examples",
                    "single_gradients": "tr Σ / ‖G‖², single gradients of batches",
                    "two_batch_sizes": "tr Σ / ‖G‖², two batch sizes",
                    "one_step": "best rate of one step",
                    "branches": "branches, equivalent over seeds",
                    "branch_limits": "branches, tolerance for each seed",
                    "hyperbola": "examples against updates",
                },
            ),
            Column(
                "batch_estimate",
                "the number of examples; empty where it is not determined",
                title="batch size",
                unit="examples",
                positive=True,
            ),
        ),
        keys=("study", "epoch", "seed", "quantity"),
    ),
)
