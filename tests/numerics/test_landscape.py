"""Loss and gradient as functions of the weights, against the float64 twin."""

from __future__ import annotations

import numpy as np
import pytest
from numerics import cases, reference

from batchlab.backend.runtime import keras
from batchlab.models.construction import build_model
from batchlab.training import core


def test_loss_and_gradient_along_a_direction_are_those_of_the_twin() -> None:
    arrays = cases.arrays()
    steps = [-0.5, 0.0, 2.0]
    rows = np.array([[0, 7, 30], [54, 1, 2]], dtype=np.int32)
    with cases.precision("float64"):
        data = cases.resident()
        model = build_model(cases.MLP, data.shape, data.output_shape, seed=4)
        weights = [variable.numpy() for variable in model.trainable_variables]
        random = np.random.default_rng(1)
        direction = [random.normal(size=value.shape) for value in weights]
        replica = cases.replica_of(model, data)
        found = core.over_rows(replica, cases.losses_and_slopes(steps), 6)(rows, direction)
        here = core.over_rows(replica, lambda at, row: keras.ops.reshape(at.loss(row), (1,)), 1)(rows)
        after = [variable.numpy() for variable in model.trainable_variables]
    for row, values in zip(rows, found, strict=True):
        x, y = arrays["x_train"][row], arrays["y_train"][row]
        assert values == pytest.approx(reference.losses_and_slopes(weights, direction, steps, x, y), rel=1e-11)
    np.testing.assert_allclose(here[:, 0], found[:, 2], rtol=1e-15)
    for one, other in zip(after, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_model_is_in_inference_mode() -> None:
    data = cases.resident()
    model = build_model({"name": "mlp", "hidden": [8], "dropout": 0.5}, data.shape, data.output_shape)
    run = core.over_rows(cases.replica_of(model, data), lambda at, row: keras.ops.reshape(at.loss(row), (1,)), 1)
    rows = np.array([[0, 1, 2]] * 4, dtype=np.int32)
    assert len(set(run(rows)[:, 0])) == 1


def test_single_gradients_are_those_of_the_twin_in_blocks() -> None:
    arrays = cases.arrays(examples=505)
    with cases.precision("float64"):
        data = cases.resident(examples=505)
        model = build_model(cases.MLP, data.shape, data.output_shape, seed=4)
        weights = [variable.numpy() for variable in model.trainable_variables]
        run = core.single_gradients(cases.replica_of(model, data))
        first, last = run(0, 500), run(500, 505)
    singles = [
        reference.gradient_sum(weights, arrays["x_train"][n, None], arrays["y_train"][n, None], "relu")
        for n in range(505)
    ]
    for (squares, sums), part in ((first, singles[:500]), (last, singles[500:])):
        np.testing.assert_allclose(squares, [reference.norm(gradient) ** 2 for gradient in part], rtol=1e-11)
        for found, expected in zip(sums, zip(*part, strict=True), strict=True):
            np.testing.assert_allclose(found, np.sum(expected, axis=0), rtol=1e-10, atol=1e-12)
