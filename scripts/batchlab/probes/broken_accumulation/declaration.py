"""What breaks the equality of accumulation and the large batch: what the probe takes and writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.declarations.columns import ARM_SETTINGS, Column, Table
from batchlab.declarations.options import Choices, Count
from batchlab.declarations.probe import Probe, Situation

BREAKERS = ("count_weighted", "mean_of_means", "no_flush", "micro_step_schedule", "keras")

# Every update is applied by itself, which takes as long as so many examples.
_WATCHED_UPDATE = 200


def _work(options: Mapping[str, Any], situation: Situation) -> float:
    runs = 2 + len(options["breakers"])
    return float(options["updates"] * runs * (situation.batch_size + _WATCHED_UPDATE * options["accumulation"]))


def _faults(options: Mapping[str, Any], situation: Situation) -> dict[str, str]:
    size, k = situation.batch_size, options["accumulation"]
    if size % k == 0:
        return {}
    return {"accumulation": f"K = {k} does not divide B = {size} of arm {situation.arm}; choose a divisor"}


PROBE = Probe(
    summary="training with an accumulation that is wrong in one respect, beside updates of the whole batch",
    experiments=("E25",),
    options=(
        Count("updates", "number of updates"),
        Count("accumulation", "micro-batches of an update, K", 4, column="accumulation", least=2),
        Choices("breakers", "what is wrong", BREAKERS, column="breaker", words=BREAKERS),
    ),
    tables=(
        Table(
            "broken_accumulation",
            "training with one kind of accumulation, after all updates, beside training with whole batches",
            columns=(
                *("study", "arm", "epoch", "seed"),
                Column(
                    "breaker",
                    "`count_weighted`: nothing, sums over K micro-batches are divided by the number of examples or"
                    " tokens;"
                    " `mean_of_means`: the mean of the micro-batches' means, whatever their sizes; `no_flush`: windows"
                    " of K go on across the end of an epoch; `micro_step_schedule`: a rate that falls linearly to 0 is"
                    " counted in micro-batches; `keras`: `gradient_accumulation_steps` of Keras",
                    "text",
                    title="accumulation",
                    exact=True,
                    words={
                        "count_weighted": "sums divided by the count",
                        "mean_of_means": "mean of unequal means",
                        "no_flush": "no flush at the epoch's end",
                        "micro_step_schedule": "schedule in micro-steps",
                        "keras": "Keras' own accumulation",
                    },
                ),
                *("accumulation", "updates"),
                Column(
                    "count_spread",
                    "standard deviation / mean of how much the micro-batches of all updates count: of their numbers of"
                    " examples, or of their tokens or weights",
                    title="spread of the micro-batches' counts (standard deviation / mean)",
                ),
                Column(
                    "first_update",
                    "the first update that differs by more than rounding (1e-9); 0 if none does",
                    "integer",
                    exact=True,
                ),
                Column(
                    "gradient_error",
                    "‖Δw − Δv‖ / ‖Δv‖ at that update, Δv that of the whole batch from the same weights: with plain SGD"
                    " the relative error of the gradient; the largest of all updates if none differs",
                    title="relative error of the first update that differs",
                    positive=True,
                ),
                Column(
                    "weight_error",
                    "‖w − v‖ / ‖v − w₀‖ after all updates, v the weights of training with whole batches",
                    title="difference of the weights, relative to the distance travelled",
                    positive=True,
                ),
                Column(
                    "loss_change",
                    "test loss − that of whole batches",
                    title="change of test loss",
                    unit="nats per example",
                ),
                Column(
                    "accuracy_change",
                    "test accuracy − that of whole batches; empty where the task has none",
                    title="change of test accuracy",
                    unit="pp",
                    factor=100,
                    bounds=(-1, 1),
                ),
                Column("keras", "version of Keras", "text", exact=True),
                *(name for name in ARM_SETTINGS if name != "accumulation"),
                "probe",
            ),
            keys=("study", "arm", "epoch", "probe", "seed", "breaker"),
            arm_columns=ARM_SETTINGS,
        ),
    ),
    work=_work,
    faults=_faults,
)
