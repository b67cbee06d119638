"""Accumulation with one fault, against a twin in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference, task_cases

from batchlab.probes import measuring
from batchlab.training import order

N, B, K, UPDATES, RATE = cases.EXAMPLES, 16, 4, 9, 0.1


def measured(own: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    data = cases.resident()
    spec = {**cases.spec(**settings), "position": 0, "probe": own}
    [rows] = measuring.measure(spec, data, (cases.initial(data, cases.spec(**settings)),)).tables.values()
    return rows


def windows() -> Iterator[list[np.ndarray]]:
    """Yield the micro-batches of each update: three of 4, 4, 4, 4 and one of 4, 3 in each epoch."""
    for epoch in range(3):
        rows = order.permutation(3, epoch, N)
        for start in range(0, N, B):
            batch = rows[start : start + B]
            yield [batch[first : first + B // K] for first in range(0, len(batch), B // K)]


def paths(way: str, start: reference.Parameters) -> list[reference.Parameters]:
    """Return the weights after each update of the whole batch, the twin's."""
    arrays = cases.arrays()

    def gradient(rows: np.ndarray) -> np.ndarray:
        """Return the summed gradient at the present weights, flat arrays one after the other."""
        return flat(reference.gradient_sum(weights, arrays["x_train"][rows], arrays["y_train"][rows], "relu"))

    def flat(parts: reference.Parameters) -> np.ndarray:
        return np.concatenate([part.ravel() for part in parts])

    def step(move: np.ndarray) -> reference.Parameters:
        ends = np.cumsum([part.size for part in weights])[:-1]
        return [w - part.reshape(w.shape) for w, part in zip(weights, np.split(move, ends), strict=True)]

    weights, found = start, []
    waiting: list[np.ndarray] = []
    accumulated: list[np.ndarray] = []
    for number, window in zip(range(UPDATES), windows(), strict=False):
        examples = np.concatenate(window)
        whole = gradient(examples) / len(examples)
        if way in ("exact", "count_weighted"):
            weights = step(RATE * whole)
        elif way == "mean_of_means":
            weights = step(RATE * np.mean([gradient(rows) / len(rows) for rows in window], axis=0))
        elif way == "falling_rate":
            weights = step(RATE * (1 - number / UPDATES) * whole)
        elif way == "micro_step_schedule":
            weights = step(RATE * max(0.0, 1 - K * number / UPDATES) * whole)
        elif way == "no_flush":
            for rows in window:
                waiting.append(rows)
                if len(waiting) == K:
                    together = np.concatenate(waiting)
                    weights, waiting = step(RATE * gradient(together) / len(together)), []
        else:
            for rows in window:
                accumulated.append(gradient(rows) / len(rows))
                if len(accumulated) == K:
                    weights, accumulated = step(RATE * np.mean(accumulated, axis=0)), []
        found.append(weights)
    return found


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, Any]]:
    with cases.precision("float64"):
        rows = measured({"name": "broken_accumulation", "updates": UPDATES, "accumulation": K})
    return {row["breaker"]: row for row in rows}


@pytest.mark.parametrize(
    ("breaker", "first"),
    # The fourth update, of 7 examples, is the first with micro-batches of two sizes and the first that is not full.
    [("count_weighted", 0), ("mean_of_means", 4), ("no_flush", 4), ("micro_step_schedule", 2), ("keras", 4)],
)
def test_each_fault_is_that_of_the_twin(table: dict[str, dict[str, Any]], breaker: str, first: int) -> None:
    with cases.precision("float64"):
        start = cases.parameters(cases.initial(cases.resident(), cases.spec()))
    whole = paths("falling_rate" if breaker == "micro_step_schedule" else "exact", start)
    broken = paths(breaker, start)

    def difference(one: reference.Parameters, other: reference.Parameters) -> float:
        return reference.norm([a - b for a, b in zip(one, other, strict=True)])

    row = table[breaker]
    assert row["first_update"] == first and row["accumulation"] == K and row["updates"] == UPDATES
    travelled = difference(whole[-1], start)
    if breaker == "count_weighted":
        assert row["gradient_error"] < 1e-12 and row["weight_error"] < 1e-12
        assert row["accuracy_change"] == 0 and abs(row["loss_change"]) < 1e-12
        return
    before = whole[first - 2]
    error = difference(broken[first - 1], whole[first - 1]) / difference(whole[first - 1], before)
    assert row["gradient_error"] == pytest.approx(error, rel=1e-9)
    assert row["weight_error"] == pytest.approx(difference(broken[-1], whole[-1]) / travelled, rel=1e-9)
    arrays = cases.arrays()
    losses = [
        reference.losses(reference.forward(end[-1], arrays["x_test"], "relu")[0], arrays["y_test"]).mean()
        for end in (broken, whole)
    ]
    assert row["loss_change"] == pytest.approx(losses[0] - losses[1], rel=1e-7)
    if breaker == "no_flush":
        assert error == 1  # no update at all where the whole batch makes one


def bigram_gradient(weights: reference.Parameters, data: dict[str, Any], rows: np.ndarray) -> np.ndarray:
    """Return the gradient, summed over the tokens that count, of E[x] W + b, flat in the order E, W, b."""
    table, matrix, bias = weights
    x, y, counts = (data[f"{name}_train"][rows] for name in "xyw")
    logits = table[x] @ matrix + bias
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    errors = (shares / shares.sum(axis=-1, keepdims=True) - np.eye(len(bias))[y]) * counts[..., None]
    of_table = np.zeros_like(table)
    np.add.at(of_table, x, errors @ matrix.T)
    parts = (of_table, np.einsum("bti,btj->ij", table[x], errors), errors.sum(axis=(0, 1)))
    return np.concatenate([part.ravel() for part in parts])


def test_unequal_numbers_of_tokens_make_the_mean_of_means_another_gradient() -> None:
    own = {"name": "broken_accumulation", "updates": 1, "accumulation": K}
    own["breakers"] = ["count_weighted", "mean_of_means"]
    with task_cases.workload("masked") as (data, model):
        spec = cases.spec(model=model)
        start = cases.initial(data, spec)
        [rows] = measuring.measure({**spec, "position": 0, "probe": own}, data, (start,)).tables.values()
    exact, broken = rows
    arrays = task_cases.arrays(task_cases.CASES["masked"])
    weights = [values[0] for key, values in start.arrays.items() if key.startswith("weights/")]
    sums = [bigram_gradient(weights, arrays, micro) for micro in next(windows())]
    counts = [float(arrays["w_train"][micro].sum()) for micro in next(windows())]
    whole = np.sum(sums, axis=0) / sum(counts)
    means = np.mean([total / (count or 1) for total, count in zip(sums, counts, strict=True)], axis=0)
    assert exact["gradient_error"] < 1e-12 and exact["first_update"] == 0
    error = np.linalg.norm(means - whole) / np.linalg.norm(whole)
    assert broken["gradient_error"] == pytest.approx(error, rel=1e-9) and error > 0.01
    assert broken["count_spread"] == pytest.approx(np.std(counts) / np.mean(counts))


@pytest.mark.slow
def test_normalisation_over_micro_batches_is_another_gradient() -> None:
    own = {"name": "broken_accumulation", "updates": 1, "accumulation": K, "breakers": ["count_weighted"]}
    with cases.precision("float64"):
        [row] = measured(own, model={"name": "mlp_bn", "hidden": [8]})
    assert row["first_update"] == 1 and row["gradient_error"] > 1e-3
