"""The gradient noise scale by several estimators: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Count
from batchlab.declarations.probe import Probe, Situation

# The gradient of an example by itself costs so many times its part of a batch's (MLP on MNIST, AMD EPYC).
_ALONE = 20

ESTIMATOR = Column(
    "estimator",
    "`all_examples`, `single_gradients` or `two_batch_sizes`",
    "text",
    exact=True,
    words={
        "all_examples": "all examples",
        "single_gradients": "single gradients of batches",
        "two_batch_sizes": "two batch sizes",
    },
)


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    return float(_ALONE * situation.examples + options["draws"] * options["examples"])


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    drawn, part, examples = options["examples"], options["part"], situation.examples
    if drawn > examples:
        return {"examples": f"{drawn} is larger than the training set ({examples} examples); choose fewer"}
    if part >= drawn or drawn % part:
        return {"part": f"{part} is no part of examples = {drawn}; choose a smaller divisor"}
    return {}


PROBE = Probe(
    summary="the gradient noise scale tr Σ / ‖G‖², from all examples, single gradients of batches, and two batch sizes",
    experiments=("E16", "E32", "M1", "M8"),
    options=(
        Count("examples", "examples of one draw, the larger of the two batch sizes", 256, least=4),
        Count("part", "the smaller of the two, a divisor of it", 16),
        Count("draws", "draws for the two estimators that do not see all examples", 50, least=2, most=10**6),
    ),
    tables=(
        Table(
            "noise_draws",
            "one draw of a batch and one estimator; of all examples there is one draw",
            columns=(
                *("study", "arm", "epoch", "seed"),
                ESTIMATOR,
                Column(
                    "draw",
                    "number of the draw; a seed draws the same examples at every snapshot",
                    "integer",
                    exact=True,
                ),
                Column("examples_drawn", "examples whose gradients it is made of", "integer", exact=True),
                Column(
                    "trace", "unbiased estimate of tr Σ, covariance with divisor N", title="gradient variance, tr Σ"
                ),
                Column(
                    "squared_norm",
                    "unbiased estimate of ‖G‖²; of one draw it may be negative",
                    title="squared norm of the mean gradient, |G|²",
                ),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "estimator", "draw"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    derived=("noise_scale",),
    work=_work,
    faults=_faults,
)
