"""The loss after one step of many sizes: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import Column, Table
from batchlab.declarations.options import BatchSizes, Count, Number
from batchlab.declarations.probe import Probe, Situation

STEP_SIZE = Column("step_size", "η of the step −η ḡ with the batch's mean gradient ḡ", title="step size η", exact=True)
HELD_OUT_LOSS = Column("held_out_loss", "mean loss of the held-out examples after the step", title="held-out loss")
# Only the forward pass: a third of what an example costs in training.
_FORWARD = 3


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    batches, steps = options["draws"] * len(options["batch_sizes"]), options["steps"]
    return float(options["draws"] * sum(options["batch_sizes"]) + batches * steps * options["held_out"] / _FORWARD)


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    largest, examples = max(options["batch_sizes"]), situation.examples
    if largest > examples:
        return {"batch_sizes": f"{largest} is larger than the training set ({examples} examples); name sizes it holds"}
    if options["smallest"] >= options["largest"]:
        return {"smallest": f"{options['smallest']} is not below largest = {options['largest']}"}
    return {}


PROBE = Probe(
    summary="held-out loss after one step of SGD, for many step sizes and batch sizes: the best rate of one step",
    experiments=("M5", "M8"),
    options=(
        BatchSizes("batch_sizes", "batch sizes", tuple(2**power for power in range(2, 12)), column="batch_size"),
        Count("draws", "batches of each size", 10, most=10**6),
        Count("held_out", "held-out examples: of validation, or of test where there is no validation set", 2000),
        Count("steps", "step sizes, evenly spaced on the logarithmic scale", 31, least=3),
        Number("smallest", "smallest step size", 0.001, above=0),
        Number("largest", "largest step size", 10.0, above=0),
    ),
    tables=(
        Table(
            "one_step_draws",
            "one step size along the gradient of one batch",
            columns=(
                *("study", "arm", "epoch", "seed", "batch_size"),
                Column(
                    "draw",
                    "number of the batch; a seed draws the same examples at every snapshot",
                    "integer",
                    exact=True,
                ),
                STEP_SIZE,
                HELD_OUT_LOSS,
                *("recipe", "label", "probe"),
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "batch_size", "draw", "step_size"),
            arm_columns=("recipe", "label"),
        ),
    ),
    derived=("one_step", "one_step_optimum", "one_step_fit"),
    work=_work,
    faults=_faults,
)
