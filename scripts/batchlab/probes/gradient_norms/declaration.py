"""Norms of summed gradients: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import BatchSizes, Choices, Count, Flag
from batchlab.declarations.probe import Probe, Situation

METHOD = Column(
    "method",
    "`fixed_weights` or `same_samples`",
    "text",
    exact=True,
    words={"fixed_weights": "fixed weights", "same_samples": "same samples seen"},
)
# An update costs as much as so many examples more.
_UPDATE = 8


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    sizes = options["batch_sizes"]
    fixed = sum(sizes) if "fixed_weights" in options["methods"] else 0
    path = sum(options["samples"] * (1 + _UPDATE / size) for size in sizes)
    return float(options["trials"] * (fixed + (path if "same_samples" in options["methods"] else 0)))


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    sizes, samples, examples = options["batch_sizes"], options["samples"], situation.examples
    if max(sizes) > examples:
        return {
            "batch_sizes": f"{max(sizes)} is larger than the training set ({examples} examples); name sizes it holds"
        }
    if "same_samples" in options["methods"]:
        if samples > examples:
            return {"samples": f"{samples} is larger than the training set ({examples} examples); choose fewer"}
        if wrong := [size for size in sizes if samples % size]:
            return {"batch_sizes": f"{wrong[0]} does not divide samples = {samples}; choose divisors of it"}
    return {}


PROBE = Probe(
    summary="norms of summed gradients, in two readings, and the moments of single gradients",
    experiments=("E4a", "E4b", "E32"),
    options=(
        Choices(
            "methods",
            "`fixed_weights`: batches at the snapshot; `same_samples`: gradients summed along a path of SGD",
            ("fixed_weights", "same_samples"),
            column="method",
            words=("fixed_weights", "same_samples"),
        ),
        BatchSizes("batch_sizes", "batch sizes", tuple(2**power for power in range(1, 11)), column="batch_size"),
        Count("samples", "examples that one trial of `same_samples` uses up", 1024),
        Count("trials", "draws for each batch size", 1000, least=2, most=10**7),
        Flag("per_layer", "also the norm of each variable's part", False),
    ),
    tables=(
        Table(
            "gradient_norms",
            "one draw of a batch (`fixed_weights`) or of a path of SGD steps (`same_samples`)",
            columns=(
                *("study", "arm", "epoch", "seed"),
                METHOD,
                "batch_size",
                Column(
                    "trial",
                    "number of the draw; a seed draws the same examples at every snapshot and in every arm",
                    "integer",
                    exact=True,
                ),
                # One random draw of hundreds of thousands: seven digits do.
                Column(
                    "norm",
                    "norm of the sum of the per-example gradients",
                    title="norm of the summed gradient",
                    digits=7,
                    positive=True,
                ),
                *("recipe", "label", "probe"),
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "method", "batch_size", "trial"),
            arm_columns=("recipe", "label"),
            prefixes=("norm_",),
        ),
        Table(
            "gradient_moments",
            "moments of the per-example gradients at one snapshot",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column("examples", "N, the size of the training set", "integer", exact=True),
                Column(
                    "squared_norm",
                    "‖G‖², G the mean gradient over the training set",
                    title="squared norm of the mean gradient, |G|²",
                    positive=True,
                ),
                Column(
                    "trace",
                    "tr Σ, covariance of the per-example gradients with divisor N",
                    title="gradient variance, tr Σ",
                    positive=True,
                ),
                Column(
                    "ratio",
                    "b = tr Σ / ‖G‖², the noise scale, in examples",
                    title="gradient noise scale, tr Σ / |G|²",
                    unit="examples",
                    positive=True,
                ),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    derived=("gradient_norm_summary",),
    work=_work,
    faults=_faults,
)
