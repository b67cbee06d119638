"""The gradient noise scale with its interval: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.probes.noise_scale.declaration import ESTIMATOR

DERIVATION = Derivation(
    summary="the gradient noise scale of each snapshot, seed and estimator, with its interval over draws",
    reads=("noise_draws",),
    table=Table(
        "noise_scale",
        "one snapshot, seed and estimator; intervals are over draws at one snapshot of one seed",
        columns=(
            *("study", "arm", "epoch", "seed"),
            ESTIMATOR,
            Column("draws", "number of draws", "integer", exact=True),
            Column("trace", "mean estimate of tr Σ", title="gradient variance, tr Σ"),
            Column("squared_norm", "mean estimate of ‖G‖²", title="squared norm of the mean gradient, |G|²"),
            Column(
                "noise_scale",
                "b = tr Σ / ‖G‖²; empty where it is not determined, because ‖G‖² cannot be told from 0",
                title="gradient noise scale b",
                unit="examples",
                positive=True,
            ),
            Column(
                "noise_scale_low",
                "lower end of Fieller's 95 % interval over draws; where b is not determined, its 95 % lower bound",
                positive=True,
            ),
            Column("noise_scale_high", "upper end; empty where b is not determined", positive=True),
            Column(
                "noise_scale_bound",
                "b, or its lower bound where it is not determined",
                title="gradient noise scale b",
                unit="examples",
                positive=True,
            ),
            Column("determined", "1, or 0 where b is not determined", "integer", exact=True),
            *ARM_SETTINGS,
            "probe",
        ),
        keys=("study", "arm", "epoch", "probe", "seed", "estimator"),
    ),
)
