"""Averages of weights along a run, against sums of snapshots by hand and a twin in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numerics import cases, reference

from batchlab.probes import measuring
from batchlab.training import segment, state

N = cases.EXAMPLES


def test_averages_are_weighted_sums_of_snapshots_and_their_metrics_those_of_the_mixed_weights() -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        first = cases.initial(data, cases.spec())
        snapshots = [first]
        # Unevenly spaced: 1, 2 and 4 epochs.
        for stop in (N, 2 * N, 4 * N):
            start = snapshots[-1].positions[0].examples
            snapshots.append(segment.train(cases.spec(start=start, stop=stop), data, first, snapshots[-1]).snapshot)
        probe = {"name": "averaged_weights", "half_lives": [0.5, 3]}
        positions = [snapshot.positions[0].examples for snapshot in snapshots]
        spec = {**cases.spec(), "positions": positions, "probe": probe}
        rows = measuring.measure(spec, data, tuple(snapshots)).tables["averaged_weights"]
    epochs = np.array([0.0, 1.0, 2.0, 4.0])
    weights = [cases.parameters(snapshot) for snapshot in snapshots]
    assert [row["averaged_to"] for row in rows] == [epoch for epoch in epochs for _ in range(4)]
    for row in rows:
        count = int(np.flatnonzero(epochs == row["averaged_to"])[0]) + 1
        assert row["before_end"] == 4 - row["averaged_to"]
        shares = {
            "last": np.arange(count) == count - 1,
            "uniform": np.ones(count),
            "exponential": 0.5 ** ((row["averaged_to"] - epochs[:count]) / (row["half_life"] or 1)),
        }[row["average"]]
        mixed = [np.average(each, axis=0, weights=shares) for each in zip(*weights[:count], strict=True)]
        logits = reference.forward(mixed, arrays["x_test"], "relu")[0]
        assert row["test_loss"] == pytest.approx(reference.losses(logits, arrays["y_test"]).mean(), rel=1e-11)
        assert row["test_accuracy"] == np.mean(logits.argmax(axis=1) == arrays["y_test"])
        [last] = [r for r in rows if r["average"] == "last" and r["averaged_to"] == row["averaged_to"]]
        assert row["loss_over_last"] == pytest.approx(row["test_loss"] / last["test_loss"])
    assert {row["half_life"] for row in rows} == {None, 0.5, 3}


def test_statistics_of_an_average_are_those_of_its_weights() -> None:
    """Of equal snapshots with other running statistics, every average has the loss of the last weights."""
    model = {"name": "mlp_bn", "hidden": [5]}
    with cases.precision("float64"):
        data = cases.resident()
        first = cases.initial(data, cases.spec(model=model))
        trained = cases.trained(data, first, model=model, stop=2 * N).snapshot
        wrong = {key: 7 * values if "moving" in key else values for key, values in trained.arrays.items()}
        [position] = trained.positions
        earlier = state.Snapshot(trained.seeds, wrong, (first.positions[0],))
        spec = {**cases.spec(model=model), "positions": [0, position.examples], "probe": {"name": "averaged_weights"}}
        rows = measuring.measure(spec, data, (earlier, trained)).tables["averaged_weights"]
    assert any("moving" in key for key in trained.arrays)
    assert {round(row["test_loss"], 10) for row in rows} == {round(rows[0]["test_loss"], 10)} and len(rows) == 6
