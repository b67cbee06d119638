"""Dropout whose masks belong to examples: shares, independence, and no change by accumulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.models.parts.dropout_by_example import DropoutByExample, by_example

MODEL: dict[str, Any] = {"name": "mlp", "hidden": [8, 6], "dropout": 0.3, "masks": "by_example"}


def masks(rate: float = 0.3, seed: int = 1, count: int = 400) -> Any:
    keras.utils.set_random_seed(seed)
    layer = DropoutByExample(rate)
    layer.build((None, 50))
    return np.asarray(layer(np.ones((count, 50), np.float32), training=True))


def test_masks_leave_out_their_share_and_scale_up_the_rest() -> None:
    found = masks()
    assert np.unique(found).tolist() == pytest.approx([0, 1 / 0.7])
    left_out = (found == 0).mean()
    assert abs(left_out - 0.3) < 4 * np.sqrt(0.3 * 0.7 / found.size)


def test_masks_of_examples_places_and_seeds_are_independent() -> None:
    found = masks() == 0
    other = masks(seed=2) == 0
    same = 0.3**2 + 0.7**2
    for agreement in ((found[:-1] == found[1:]), (found[:, :-1] == found[:, 1:]), (found == other)):
        assert abs(agreement.mean() - same) < 4 * np.sqrt(same * (1 - same) / agreement.size)


def test_a_second_call_goes_on_where_the_first_ended() -> None:
    keras.utils.set_random_seed(1)
    layer = DropoutByExample(0.3)
    layer.build((None, 50))
    ones = np.ones((200, 50), np.float32)
    parts = [np.asarray(layer(ones, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(np.concatenate(parts), masks())
    np.testing.assert_array_equal(np.asarray(layer(ones, training=False)), ones)


def test_accumulation_does_not_change_what_is_left_out() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec(model=MODEL))
        whole, parts = (
            cases.parameters(cases.trained(data, start, accumulation=k, model=MODEL, stop=32).snapshot) for k in (1, 4)
        )
    assert cases.relative_error(parts, whole) < 1e-12


def test_the_weights_are_those_of_the_model_with_keras_own_dropout() -> None:
    with cases.precision("float64"):
        plain = build_model({key: value for key, value in MODEL.items() if key != "masks"}, (12,), (3,), seed=5)
        found = build_model(MODEL, (12,), (3,), seed=5)
        for one, other in zip(plain.trainable_variables, found.trainable_variables, strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_other_randomness_is_refused_by_name() -> None:
    noisy = keras.Sequential([keras.Input((4,)), keras.layers.GaussianNoise(0.1, name="noisy"), keras.layers.Dense(2)])
    with pytest.raises(BatchlabError, match="layer noisy"):
        by_example(noisy)
    quiet = keras.Sequential([keras.Input((4, 2)), keras.layers.GRU(3), keras.layers.Dense(2)])
    assert by_example(quiet).count_params() == quiet.count_params()
