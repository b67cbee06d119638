"""Norms of summed gradients against brute force, and their moments against the closed form."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numpy.typing import NDArray

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import tf
from batchlab.declarations.probe import Situation
from batchlab.models.construction import build_model
from batchlab.probes import measuring
from batchlab.probes.gradient_norms import measure as gradient_norms
from batchlab.probes.gradient_norms.declaration import PROBE
from batchlab.tensorflow_core import row_loops
from batchlab.training.order import trial_batches


def measured(model: dict[str, Any] = cases.MLP, **own: Any) -> tuple[measuring.Measurement, list[NDArray[np.float64]]]:
    """Run the probe on the initial weights; return its tables and the weights."""
    data = cases.resident()
    snapshot = cases.initial(data, cases.spec(model=model))
    probe = {"name": "gradient_norms", "trials": 6, "samples": 16, "batch_sizes": [2, 8, 16], **own}
    spec = {**cases.spec(model=model), "position": 0, "probe": probe}
    return measuring.measure(spec, data, (snapshot,)), cases.parameters(snapshot)


@pytest.fixture(scope="module")
def double() -> tuple[measuring.Measurement, list[NDArray[np.float64]]]:
    with cases.precision("float64"):
        return measured()


@pytest.mark.parametrize("method", ["fixed_weights", "same_samples"])
def test_norms_equal_those_of_sums_of_single_gradients(
    double: tuple[measuring.Measurement, list[NDArray[np.float64]]], method: str
) -> None:
    measurement, weights = double
    arrays = cases.arrays()
    rows = [row for row in measurement.tables["gradient_norms"] if row["method"] == method]
    assert len(rows) == 3 * 6
    for row in rows:
        total = reference.trial_gradient(row, weights, arrays["x_train"], arrays["y_train"], 6, 16)
        assert row["norm"] == pytest.approx(reference.norm(total), rel=1e-11)


def test_moments_equal_those_of_single_gradients(
    double: tuple[measuring.Measurement, list[NDArray[np.float64]]],
) -> None:
    measurement, weights = double
    arrays = cases.arrays()
    squared_norm, trace = reference.moments(weights, arrays["x_train"], arrays["y_train"])
    [row] = measurement.tables["gradient_moments"]
    assert row["examples"] == cases.EXAMPLES
    assert row["squared_norm"] == pytest.approx(squared_norm, rel=1e-11)
    assert row["trace"] == pytest.approx(trace, rel=1e-11)
    assert row["ratio"] == pytest.approx(row["trace"] / row["squared_norm"], rel=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_the_mean_square_over_all_batches_is_the_closed_form(size: int) -> None:
    """E‖Σ g‖² = i² ‖G‖² + i (N − i)/(N − 1) tr Σ, exactly, when every batch of i out of N = 6 is enumerated."""
    with cases.precision("float64"):
        data = cases.resident(examples=6)
        model = _model(data)
        replica, variables = cases.replica_of(model, data), len(model.trainable_variables)
        squared_norm, trace = gradient_norms.moments(replica, 6)()
        batches = np.array(list(itertools.combinations(range(6), size)), dtype=np.int32)
        squares = gradient_norms.fixed_weights(replica, variables)(batches).sum(axis=1)
    expected = size**2 * squared_norm + size * (6 - size) / 5 * trace
    assert squares.mean() == pytest.approx(expected, rel=1e-11)


def test_gradients_that_cancel_have_no_negative_square() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(200, 1, 12)).astype(np.float32)
    deltas = random.normal(size=(200, 1, 8)).astype(np.float32)
    # The second example's gradient is the first one's, turned round, up to the last digits.
    inputs = np.concatenate([inputs, inputs * np.float32(1 + 3e-7)], axis=1)
    deltas = np.concatenate([deltas, -deltas], axis=1)

    @tf.function(autograph=False)
    def square(h: Any, delta: Any) -> Any:
        return row_loops._squared_norm(tf.matmul(h, delta, transpose_a=True))

    squares = [float(square(*pair)) for pair in zip(inputs, deltas, strict=True)]
    assert min(squares) >= 0
    assert max(squares) < 1e-4


def _model(data: Resident) -> Any:
    return build_model(cases.MLP, data.shape, data.output_shape, seed=2)


def test_the_path_leaves_the_weights_as_they_were() -> None:
    data = cases.resident()
    model = _model(data)
    before = [variable.numpy() for variable in model.trainable_variables]
    rows = trial_batches(0, "same_samples", 4, 3, 16, cases.EXAMPLES)
    run = gradient_norms.same_samples(cases.replica_of(model, data), len(model.trainable_variables), 4, 0.5)
    first = run(rows)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    np.testing.assert_array_equal(run(rows), first)
    np.testing.assert_array_equal(run(rows[::-1]), first[::-1])


def test_single_precision_agrees_and_layers_add_up() -> None:
    arrays = cases.arrays()
    measurement, weights = measured(methods=["fixed_weights"], per_layer=True, batch_sizes=[8])
    table = measurement.tables["gradient_norms"]
    layers = [column for column in table[0] if column.startswith("norm_")]
    assert layers[0] == "norm_mlp/hidden_1/kernel"
    batches = trial_batches(3, "fixed_weights", 8, 6, 8, cases.EXAMPLES)
    for row, batch in zip(table, batches, strict=True):
        gradients = reference.gradient_sum(weights, arrays["x_train"][batch], arrays["y_train"][batch], "relu")
        assert row["norm"] == pytest.approx(reference.norm(gradients), rel=1e-5)
        for layer, gradient in zip(layers, gradients, strict=True):
            assert row[layer] == pytest.approx(reference.norm([gradient]), rel=1e-5)


def test_with_batch_normalisation_every_example_has_a_gradient_of_its_own() -> None:
    with cases.precision("float64"):
        measurement, _ = measured(
            {"name": "mlp_bn", "hidden": [6, 5]}, methods=["fixed_weights"], trials=1, batch_sizes=[cases.EXAMPLES]
        )
    [norm] = [row["norm"] for row in measurement.tables["gradient_norms"]]
    [moments] = measurement.tables["gradient_moments"]
    # The batch of all examples: its sum is N times the mean of gradients that were computed one by one.
    assert norm**2 == pytest.approx(cases.EXAMPLES**2 * moments["squared_norm"], rel=1e-10)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"batch_sizes": [2, 64]}, "64 is larger than the training set (55 examples)"),
        ({"samples": 64}, "64 is larger than the training set (55 examples)"),
        ({"batch_sizes": [2, 5]}, "5 does not divide samples = 16"),
        ({}, ""),
    ],
)
def test_settings_that_do_not_fit_are_known_before_anything_runs(own: dict[str, Any], message: str) -> None:
    options = {"methods": ["same_samples"], "trials": 6, "samples": 16, "batch_sizes": [2, 8, 16], **own}
    faults = PROBE.faults(options, Situation("arm", 16, cases.EXAMPLES))
    assert message in " ".join(faults.values())
    assert bool(faults) is bool(own)
