"""Whether the examples of a batch compete: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import BatchSizes, Count
from batchlab.declarations.probe import Probe, Situation

# The gradient of an example, kept by itself, costs so many times its part of a batch's (MLP on MNIST, AMD EPYC).
_ALONE = 4

PAIRS = Column(
    "pairs",
    "which pairs of examples: `all`, of the `same` class, of `different` classes",
    "text",
    exact=True,
    words={"all": "all pairs", "same": "same class", "different": "different classes"},
)


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    steps = sum(options["trials"] * 2 * size for size in options["batch_sizes"])
    return float(_ALONE * (situation.examples + options["draws"] * options["examples"] + steps))


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    drawn, sizes, examples = options["examples"], options["batch_sizes"], situation.examples
    if drawn > examples:
        return {"examples": f"{drawn} is larger than the training set ({examples} examples); choose fewer"}
    if max(sizes) > drawn:
        return {"batch_sizes": f"{max(sizes)} is larger than examples = {drawn}; name sizes that a draw holds"}
    if odd := [size for size in sizes if size % 2]:
        return {"batch_sizes": f"{odd[0]} has no halves; name even sizes"}
    return {}


PROBE = Probe(
    summary="cosines between single gradients, gradient diversity, and two sequential steps against one",
    experiments=("E34",),
    options=(
        Count("examples", "examples of one draw, whose gradients are compared pair by pair", 256, least=4),
        Count("draws", "draws", 8),
        BatchSizes(
            "batch_sizes",
            "even batch sizes for diversity and for the comparison of steps",
            tuple(2**power for power in range(1, 9)),
            column="batch_size",
        ),
        Count("trials", "batches of each size that are taken as two steps, as far as the draws hold so many", 200),
        Count("bins", "bins of the cosines' histogram between −1 and 1", 80, least=2),
    ),
    tables=(
        Table(
            "gradient_cosines",
            "one kind of pairs of examples at one snapshot",
            columns=(
                *("study", "arm", "epoch", "seed"),
                PAIRS,
                Column("count", "number of pairs", "integer", exact=True),
                Column("mean_cosine", "mean cosine between two gradients", title="mean cosine", bounds=(-1, 1)),
                Column("std_cosine", "standard deviation of the cosines"),
                Column(
                    "opposed",
                    "share of the pairs whose cosine is negative",
                    title="pairs with a negative cosine",
                    unit="%",
                    factor=100,
                    bounds=(0, 1),
                ),
                *ARM_SETTINGS,
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "pairs"),
            arm_columns=ARM_SETTINGS,
        ),
        Table(
            "cosine_histogram",
            "one bin of cosines of one kind of pairs at one snapshot",
            columns=(
                *("study", "arm", "epoch", "seed"),
                PAIRS,
                Column("cosine", "middle of the bin", title="cosine between two examples' gradients", exact=True),
                Column("density", "share of the pairs in the bin, divided by its width", title="density of the pairs"),
                *("recipe", "label", "probe"),
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "pairs", "cosine"),
            arm_columns=("recipe", "label"),
        ),
        Table(
            "gradient_competition",
            "one batch size at one snapshot",
            columns=(
                *("study", "arm", "epoch", "seed", "batch_size"),
                Column("batches", "number of batches behind the diversity", "integer", exact=True),
                Column(
                    "diversity",
                    "Σ‖gᵢ‖² / ‖Σgᵢ‖² of a batch, both averaged over batches; 1 where gradients are orthogonal",
                    title="gradient diversity, Σ|g|² / |Σg|²",
                    positive=True,
                ),
                Column(
                    "predicted_diversity",
                    "(‖G‖² + tr Σ) / (B‖G‖² + tr Σ (N−B)/(N−1)), from all examples",
                    title="diversity by the closed form",
                    positive=True,
                ),
                Column(
                    "diversity_over_prediction",
                    "diversity / predicted_diversity",
                    title="diversity, measured / closed form",
                    positive=True,
                ),
                Column("trials", "number of batches that were taken as two steps", "integer", exact=True),
                Column(
                    "two_steps_over_one",
                    "‖gradients summed over two SGD steps of B/2‖ / ‖gradient of the batch‖, mean over trials",
                    title="summed gradient, two steps / one step",
                    positive=True,
                ),
                Column("two_steps_over_one_error", "its standard error over trials"),
                Column(
                    "steps_cosine",
                    "cosine between the gradient of the first half and that of the second half after the first step",
                    title="cosine between the two steps",
                    bounds=(-1, 1),
                ),
                Column(
                    "halves_cosine",
                    "cosine between the gradients of both halves at the snapshot",
                    title="cosine between the halves' gradients",
                    bounds=(-1, 1),
                ),
                *(name for name in ARM_SETTINGS if name != "batch_size"),
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "batch_size"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
    faults=_faults,
)
