"""The largest curvature of the loss: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Count, Number
from batchlab.declarations.probe import Probe, Situation

# A product with the Hessian costs as much as two gradients; so many are made as a rule.
_PRODUCTS = 2 * 30


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    return float(options["examples"] * _PRODUCTS)


PROBE = Probe(
    summary="largest eigenvalue of the Hessian of the training loss, by Lanczos iteration",
    experiments=("E22",),
    options=(
        Count("examples", "training examples, drawn for each seed, over which the loss is taken", 2000),
        Number("tolerance", "relative accuracy at which the iteration ends", 0.001, above=0, most=1),
    ),
    tables=(
        Table(
            "curvature",
            "the loss at one snapshot",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("loss", "mean loss over the subset", title="loss", unit="nats per example", positive=True),
                Column(
                    "largest_eigenvalue",
                    "largest eigenvalue λ of the Hessian of the mean loss",
                    title="largest eigenvalue of the Hessian, λ",
                    positive=True,
                ),
                Column(
                    "stability",
                    "λ · learning rate: gradient descent without momentum oscillates along this direction above 2",
                    title="largest eigenvalue × learning rate",
                    positive=True,
                ),
                Column("products", "products of the Hessian with a vector that it took", "integer"),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
)
