"""Probes that train from a snapshot, and the one that compares normalisation statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from slow import slow_but

from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.probes import measuring
from batchlab.probes.weight_drift.measure import differences
from batchlab.training import order, segment, state

N = cases.EXAMPLES


def measured(data: Resident, snapshot: state.Snapshot, own: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """Run a probe with one table; return its rows."""
    spec = {**cases.spec(**changes), "position": snapshot.positions[0].examples, "probe": own}
    [rows] = measuring.measure(spec, data, (snapshot,)).tables.values()
    assert all(list(row) == list(rows[0]) for row in rows)
    return rows


def test_a_trajectory_is_that_of_the_twin_across_the_end_of_an_epoch() -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        snapshot = cases.initial(data, cases.spec())
        rows = measured(data, snapshot, {"name": "trajectory", "updates": 6, "batch_sizes": [16, N]})
    small = [row for row in rows if row["batch_size"] == 16]
    assert [(row["updates"], row["examples"]) for row in small] == [
        (1, 16),
        (2, 32),
        (3, 48),
        (4, 55),
        (5, 71),
        (6, 87),
    ]
    for size, found in ((16, small), (N, [row for row in rows if row["batch_size"] == N])):
        start = weights = cases.parameters(snapshot)
        optimizer = reference.SGD(0.1)
        batches = [
            indices[first : first + size]
            for indices in (order.permutation(3, epoch, N) for epoch in range(6))
            for first in range(0, N, size)
        ]
        for row, batch in zip(found, batches[:6], strict=True):
            x, y = arrays["x_train"][batch], arrays["y_train"][batch]
            loss = reference.losses(reference.forward(weights, x, "relu")[0], y).mean()
            gradients = [g / len(batch) for g in reference.gradient_sum(weights, x, y, "relu")]
            weights = optimizer.step(weights, gradients)
            moved = np.sqrt(sum(((w - w0) ** 2).sum() for w, w0 in zip(weights, start, strict=True)))
            assert row["loss"] == pytest.approx(loss, rel=1e-11)
            assert row["from_start"] == pytest.approx(moved, rel=1e-11)


def test_a_trajectory_continues_the_run_it_starts_from() -> None:
    data = cases.resident()
    adam = {"optimizer": cases.optimizer("adam"), "learning_rate": 0.01}
    start = cases.initial(data, cases.spec())
    middle = cases.trained(data, start, stop=32, **adam).snapshot
    rows = measured(data, middle, {"name": "trajectory", "updates": 2, "batch_sizes": [16]}, **adam)
    end = segment.train(cases.spec(start=32, stop=N, **adam), data, start, middle).snapshot
    moved = [w - w0 for w, w0 in zip(cases.parameters(end), cases.parameters(middle), strict=True)]
    assert rows[-1]["from_start"] == pytest.approx(np.sqrt(sum((d**2).sum() for d in moved)), rel=1e-9)


@pytest.mark.parametrize("precision", slow_but(["float64", "float32"], "float64"))
def test_drift_is_the_difference_of_two_runs(precision: str) -> None:
    momentum = {"optimizer": cases.optimizer("sgd", momentum=0.9)}
    with cases.precision(precision):
        data = cases.resident()
        start = cases.initial(data, cases.spec())
        own = {"name": "weight_drift", "updates": 5, "accumulations": [1, 4, 16]}
        rows = measured(data, start, own, **momentum)
        # The fifth update is the first of the second epoch.
        whole = cases.trained(data, start, stop=N + 16, **momentum).snapshot
        parts = cases.trained(data, start, stop=N + 16, accumulation=4, **momentum).snapshot
    assert [row["updates"] for row in rows] == [update for update in range(1, 6) for _ in range(3)]
    assert all(row["max_difference"] == 0.0 for row in rows if row["accumulation"] == 1)
    last = next(row for row in rows if row["accumulation"] == 4 and row["updates"] == 5)
    exact, other = cases.parameters(whole), cases.parameters(parts)
    assert last["relative_difference"] == pytest.approx(cases.relative_error(other, exact), rel=1e-9)
    assert last["max_difference"] == max(np.abs(a - b).max() for a, b in zip(other, exact, strict=True))
    bound = 1e-13 if precision == "float64" else 1e-6
    assert max(row["relative_difference"] for row in rows) < bound


def test_drift_with_batch_normalisation_is_no_rounding() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = {"name": "mlp_bn", "hidden": [8]}
        start = cases.initial(data, cases.spec(model=model))
        rows = measured(data, start, {"name": "weight_drift", "updates": 2, "accumulations": [4]}, model=model)
    assert rows[-1]["relative_difference"] > 1e-3


def test_differences_of_known_weights() -> None:
    reference_weights = {"a": np.array([3.0, 0.0]), "b": np.array([4.0]), "state": np.array([9.0])}
    weights = {"a": np.array([3.0, 0.6]), "b": np.array([3.2]), "state": np.array([0.0])}
    largest, relative = differences(weights, reference_weights, ["a", "b"])
    assert largest == pytest.approx(0.8)
    assert relative == pytest.approx(1.0 / 5.0)


def test_running_statistics_of_one_large_update() -> None:
    """After one update with momentum 0.9 the running mean is 0.1 of the population's: the difference is 0.9."""
    model = {"name": "mlp_bn", "hidden": [4], "momentum": 0.9}
    with cases.precision("float64"):
        data = cases.resident()
        settings: dict[str, Any] = {"model": model, "batch_size": N, "learning_rate": 0.0}
        start = cases.initial(data, cases.spec(**settings))
        trained = cases.trained(data, start, **settings)
        rows = measured(data, trained.snapshot, {"name": "running_statistics"}, **settings)
        population = data.x.numpy()[:N] @ start.arrays["weights/mlp_bn/hidden_1/kernel"][0]
    running, re_estimated = rows
    assert (running["statistics"], re_estimated["statistics"]) == ("running", "re_estimated")
    assert running["mean_difference"] == pytest.approx(0.9, rel=1e-10)
    variance = population.var(axis=0)
    expected = np.linalg.norm(0.9 * (1 - variance)) / np.linalg.norm(variance)
    assert running["variance_difference"] == pytest.approx(expected, rel=1e-10)
    assert re_estimated["mean_difference"] == re_estimated["variance_difference"] == 0.0
    for metric in ("train_loss", "test_accuracy"):
        assert re_estimated[metric] == trained.history[-1][metric]
    assert running["train_loss"] != re_estimated["train_loss"]


def test_running_statistics_need_batch_normalisation() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    with pytest.raises(BatchlabError, match="no batch normalisation"):
        measured(data, start, {"name": "running_statistics"})


def test_an_unknown_probe_and_a_wrong_position_are_named() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    with pytest.raises(BatchlabError, match="unknown name 'hessian'"):
        measured(data, start, {"name": "hessian"})
    spec = {**cases.spec(), "position": 16, "probe": {"name": "trajectory", "updates": 1, "batch_sizes": [1]}}
    with pytest.raises(BatchlabError, match="is at 0 examples, not at 16"):
        measuring.measure(spec, data, (start,))


def test_each_of_several_snapshots_has_its_position() -> None:
    data = cases.resident()
    start = cases.initial(data, cases.spec())
    end = cases.trained(data, start).snapshot
    spec = {**cases.spec(), "positions": [0, 2 * N], "probe": {"name": "trajectory", "updates": 1, "batch_sizes": [1]}}
    with pytest.raises(BatchlabError, match=f"is at {N} examples, not at {2 * N}"):
        measuring.measure(spec, data, (start, end))
