"""Training under schedules against the float64 twin, whose rates are written out by hand here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numerics.test_segment import same, without_seconds
from slow import slow_but

from batchlab.backend.resident import from_arrays
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training import order, segment

N = cases.EXAMPLES  # 55: four updates of 16, 16, 16 and 7 an epoch
STARTS = (0, 16, 32, 48, 55, 71, 87, 103)  # examples before each of the first eight updates
ENDS = (*STARTS[1:], 110)

COMMON = {"unit": "epochs", "warmup": 0, "warmup_from": 0, "momentum_correction": False, "begin": 0}

SCHEDULES: dict[str, tuple[dict[str, Any], Callable[[int], float]]] = {
    "linear in epochs": (
        {"name": "linear", "to": 0.2, "length": 2 * N},
        lambda u: 1 - 0.8 * STARTS[u] / 110,
    ),
    "cosine in updates after a warm-up": (
        {"name": "cosine", "to": 0, "unit": "updates", "warmup": 3, "length": 8},
        lambda u: (u + 1) / 3 if u < 3 else (1 + math.cos(math.pi * (u - 3) / 5)) / 2,
    ),
    "steps in examples": (
        {"name": "step", "at": [32, 60], "factor": 0.5, "unit": "examples"},
        lambda u: (1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25)[u],
    ),
    "inverse square root in updates": (
        {"name": "inverse_sqrt", "after": 2, "unit": "updates"},
        lambda u: 1 if u < 2 else math.sqrt(2 / u),
    ),
    "table with straight lines": (
        {"name": "table", "at": [0, 1], "shares": [0.25, 1.0], "straight": True},
        lambda u: min(1.0, 0.25 + 0.75 * STARTS[u] / 55),
    ),
    "warm-up in epochs from a tenth": (
        {"name": "constant", "warmup": 1, "warmup_from": 0.1},
        lambda u: min(1.0, 0.1 + 0.9 * ENDS[u] / 55),
    ),
}


def twin(parameters: reference.Parameters, arrays: Any, share: Callable[[int], float], correct: bool) -> Any:
    """Train two epochs by SGD with momentum 0.9: v ← μ (η' / η) v − η' g; w ← w + v."""
    velocity = [np.zeros_like(p) for p in parameters]
    before = 0.1
    update = 0
    for epoch in range(2):
        seen = order.permutation(3, epoch, N)
        for start in range(0, N, 16):
            batch = seen[start : start + 16]
            gradients = reference.gradient_sum(parameters, arrays["x_train"][batch], arrays["y_train"][batch], "relu")
            rate = 0.1 * share(update)
            kept = 0.9 * (rate / before if correct else 1.0)
            velocity = [kept * v - rate * g / len(batch) for v, g in zip(velocity, gradients, strict=True)]
            parameters = [p + v for p, v in zip(parameters, velocity, strict=True)]
            before = rate
            update += 1
    return parameters


@pytest.mark.parametrize(
    "case",
    slow_but(
        [(name, correct) for name in SCHEDULES for correct in (False, True)],
        # One with and without correction; the others once.
        *[("steps in examples", correct) for correct in (False, True)],
        *[(name, bool(number % 2)) for number, name in enumerate(SCHEDULES) if name != "steps in examples"],
    ),
    ids=lambda case: f"{case[0]}, {'corrected' if case[1] else 'plain'}",
)
def test_training_follows_the_schedule(case: tuple[str, bool]) -> None:
    name, correct = case
    schedule, share = SCHEDULES[name]
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = from_arrays(arrays, CLASSIFICATION)
        changes: dict[str, Any] = {
            "stop": 2 * N,
            "optimizer": cases.optimizer("sgd", momentum=0.9),
            "schedule": {**COMMON, **schedule, "momentum_correction": correct},
        }
        start = cases.initial(data, cases.spec(**changes))
        end = cases.trained(data, start, accumulation=2, **changes).snapshot
    expected = twin(cases.parameters(start), arrays, share, correct)
    assert cases.relative_error(cases.parameters(end), expected) < 1e-12


@pytest.mark.parametrize(
    "name", slow_but(["cosine in updates after a warm-up", "steps in examples"], "steps in examples")
)
def test_a_split_run_equals_an_unsplit_one_bitwise(name: str) -> None:
    schedule = {**COMMON, **SCHEDULES[name][0], "momentum_correction": True}
    data = cases.resident()
    changes: dict[str, Any] = {
        "optimizer": cases.optimizer("sgd", momentum=0.9),
        "schedule": schedule,
        "seeds": [0, 4],
    }
    start = cases.initial(data, cases.spec(**changes))
    whole = segment.train(cases.spec(**changes, stop=2 * N), data, start, start)
    first = segment.train(cases.spec(**changes, stop=32), data, start, start)
    second = segment.train(cases.spec(**changes, start=32, stop=2 * N), data, start, first.snapshot)
    assert same(whole.snapshot, second.snapshot)
    ends = [row for row in without_seconds([*first.history, *second.history]) if row["examples"] % N == 0]
    assert ends == without_seconds(whole.history)


def test_a_phase_under_a_schedule_corrects_from_the_rate_of_the_phase_before() -> None:
    arrays = cases.arrays()
    momentum = {"optimizer": cases.optimizer("sgd", momentum=0.9)}
    schedule = {**COMMON, "name": "constant", "begin": N, "momentum_correction": True}
    with cases.precision("float64"):
        data = from_arrays(arrays, CLASSIFICATION)
        start = cases.initial(data, cases.spec(**momentum))
        first = segment.train(cases.spec(**momentum, stop=N), data, start, start)
        later = cases.spec(**momentum, learning_rate=0.4, schedule=schedule, start=N, stop=2 * N)
        second = segment.train(later, data, start, first.snapshot)
    shares = [1.0] * 4 + [4.0] * 4
    expected = twin(cases.parameters(start), arrays, lambda update: shares[update], True)
    assert cases.relative_error(cases.parameters(second.snapshot), expected) < 1e-12
