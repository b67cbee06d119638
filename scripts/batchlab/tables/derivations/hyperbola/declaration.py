"""Examples against updates to a target: what the derivation takes and writes."""

from __future__ import annotations

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.derivation import Derivation
from batchlab.tables.derivations.tuned_runs.declaration import GRID_END

_OPEN = {"grid_end": "below"}
# One run at an end of its rates bends the curve of its seed.
_FITTED = {"fit_ends": "either"}

DERIVATION = Derivation(
    summary="the hyperbola of examples against updates to a target, and the critical batch size E_min / S_min",
    reads=("tuned_runs",),
    table=Table(
        "hyperbola",
        "one batch size of one seed; columns of the fit are the same for all batch sizes of a seed",
        columns=(
            *("study", "seed", "dataset", "model", "optimizer", "batch_size"),
            Column("reached", "1 if the run has reached the target; only such runs are fitted", "integer", exact=True),
            GRID_END,
            Column(
                "updates",
                "S, updates to the target",
                title="parameter updates to the target, S",
                positive=True,
                censored=True,
                open_at=_OPEN,
            ),
            Column(
                "examples",
                "E, examples up to it",
                title="examples to the target, E",
                positive=True,
                censored=True,
                open_at=_OPEN,
            ),
            Column(
                "epoch", "epochs up to it", title="epochs to the target", positive=True, censored=True, open_at=_OPEN
            ),
            Column(
                "fitted_updates", "S_min (1 + B_crit / B)", title="fitted hyperbola", positive=True, open_at=_FITTED
            ),
            Column(
                "updates_over_fit",
                "updates / fitted_updates",
                title="updates / fitted curve",
                positive=True,
                open_at=_FITTED,
            ),
            Column("minimal_updates", "S_min; empty where the updates show no bend", positive=True, open_at=_FITTED),
            Column("minimal_examples", "E_min = S_min B_crit", positive=True, open_at=_FITTED),
            Column(
                "critical_batch",
                "B_crit = E_min / S_min; empty where it is not determined",
                title="critical batch size E_min / S_min",
                unit="examples",
                positive=True,
                open_at=_FITTED,
            ),
            Column(
                "fit_ends",
                "`both` if the rate of a fitted run lies at an end of those that were tried, else empty",
                "text",
                exact=True,
            ),
        ),
        keys=("study", "seed", "dataset", "model", "optimizer", "batch_size"),
    ),
)
