"""Batch sizes by adaptive rules: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.declarations.options import Number

DERIVATION = Derivation(
    summary="the batch size that each adaptive rule would take at each snapshot, all of them made of the noise scale",
    reads=("noise_scale", "noise_draws"),
    options=(Number("norm_tolerance", "η of the norm test, which takes B = b / η²", 0.1, above=0),),
    table=Table(
        "adaptive_rules",
        "one rule at one snapshot of one seed",
        columns=(
            *("study", "arm", "epoch", "seed"),
            Column(
                "rule",
                "`noise_scale`: B = b; `norm_test`: B = b / η²; `diversity`: B = b + 1",
                "text",
                title="adaptive rule",
                exact=True,
                words={
                    "noise_scale": "noise scale: B = b",
                    "norm_test": "norm test: B = b / η²",
                    "diversity": "gradient diversity: B = b + 1",
                },
            ),
            Column(
                "adapted_batch",
                "the rule's batch size, from all training examples",
                title="batch size of the rule",
                unit="examples",
                positive=True,
            ),
            Column(
                "share",
                "adapted_batch / number of training examples: above 1, no batch is large enough",
                title="batch size of the rule / training set",
                positive=True,
            ),
            *("batch_size", "recipe", "label"),
        ),
        keys=("study", "arm", "epoch", "seed", "rule"),
    ),
)
