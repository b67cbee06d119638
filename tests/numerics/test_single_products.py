"""Inner products of single gradients against gradients that are computed one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numerics import cases, reference

from batchlab.backend.runtime import keras
from batchlab.models.construction import build_model
from batchlab.training import core

ROWS = np.array([3, 0, 54, 7, 21], dtype=np.int32)


def test_products_are_those_of_the_twin() -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        model = build_model(cases.MLP, data.shape, data.output_shape, seed=4)
        weights = [variable.numpy() for variable in model.trainable_variables]
        found = core.inner_products(cases.replica_of(model, data))(ROWS)
    flat = np.array(
        [
            np.concatenate([g.ravel() for g in reference.gradient_sum(weights, x[None], y[None], "relu")])
            for x, y in zip(arrays["x_train"][ROWS], arrays["y_train"][ROWS], strict=True)
        ]
    )
    np.testing.assert_allclose(found, flat @ flat.T, rtol=1e-11, atol=1e-13)


def _of_many_kinds() -> Any:
    """Return a model of layers that see a series, are used twice, or have a penalty."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12,))
    hidden = keras.layers.Flatten()(keras.layers.Dense(4, "tanh", name="each")(keras.layers.Reshape((3, 4))(inputs)))
    twice = keras.layers.Dense(12, "tanh", name="twice")
    penalty = keras.regularizers.L2(0.5)
    hidden = keras.layers.Dense(5, kernel_regularizer=penalty, name="penalised")(twice(twice(hidden)))
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(hidden))


@pytest.mark.parametrize("kind", ["many", "normalisation"])
def test_any_model_has_the_products_of_single_gradients(kind: str) -> None:
    with cases.precision("float64"):
        data = cases.resident()
        normalised = {"name": "mlp_bn", "hidden": [8]}
        model = _of_many_kinds() if kind == "many" else build_model(normalised, data.shape, data.output_shape, seed=1)
        replica = cases.replica_of(model, data)
        found = core.inner_products(replica)(ROWS)

        def whole(at: core.Landscape, row: Any) -> Any:
            return keras.ops.concatenate([keras.ops.reshape(part, (-1,)) for part in at.gradient(row)])

        flat = core.over_rows(replica, whole, sum(int(np.prod(v.shape)) for v in model.trainable_variables))(
            ROWS[:, None]
        )
    scale = np.abs(flat @ flat.T).max()
    np.testing.assert_allclose(found, flat @ flat.T, rtol=0, atol=1e-12 * scale)
