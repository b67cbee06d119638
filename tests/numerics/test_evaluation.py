"""Evaluation at fixed weights, and batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numpy.typing import NDArray

from batchlab.backend.resident import SPLITS
from batchlab.backend.runtime import keras
from batchlab.models.construction import build_model
from batchlab.models.parts.ghost_normalisation import GhostBatchNormalization
from batchlab.tasks.classification.declaration import TASK
from batchlab.training import state
from batchlab.training.normalisation import normalisation_layers, pool

Values = dict[str, NDArray[np.float64]]


@pytest.mark.parametrize("chunk", [10, 25, 1024])
def test_loss_and_accuracy_equal_numpy_whatever_the_chunk(chunk: int) -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        model = build_model(cases.MLP, data.shape, data.output_shape, seed=1)
        [found] = cases.evaluation_of(model, data, chunk=chunk).at_present()
        weights = [variable.numpy() for variable in model.trainable_variables]
    for split in SPLITS:
        x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        logits = reference.forward(weights, x, "relu")[0]
        assert found[f"{split}_loss"] == pytest.approx(reference.losses(logits, y).mean(), rel=1e-12)
        assert found[f"{split}_accuracy"] == pytest.approx((logits.argmax(axis=1) == y).mean(), rel=1e-12)


def test_metrics_are_those_that_the_task_declares() -> None:
    data = cases.resident()
    [found] = cases.evaluation_of(build_model(cases.MLP, data.shape, data.output_shape), data).at_present()
    assert tuple(found) == TASK.metric_names


def test_dropout_is_off_during_evaluation() -> None:
    data = cases.resident()
    model = build_model({"name": "mlp", "dropout": 0.5}, data.shape, data.output_shape)
    evaluation = cases.evaluation_of(model, data)
    assert evaluation.at_present() == evaluation.at_present()


def values_of(model: Any) -> Values:
    return {key.split("/", 2)[2]: variable.numpy() for key, variable in state.variables_of(model).items()}


def forward_population(values: Values, x: NDArray[np.float64], blocks: int) -> dict[str, NDArray[np.float64]]:
    """Return mean and variance of each block's pre-activations when all of `x` is one batch."""
    statistics, hidden = {}, x
    for block in range(1, blocks + 1):
        z = hidden @ values[f"hidden_{block}/kernel"]
        mean, variance = z.mean(axis=0), z.var(axis=0)
        statistics[f"norm_{block}/moving_mean"], statistics[f"norm_{block}/moving_variance"] = mean, variance
        z = (z - mean) / np.sqrt(variance + 1e-3) * values[f"norm_{block}/gamma"] + values[f"norm_{block}/beta"]
        hidden = np.maximum(z, 0.0)
    return statistics


@pytest.mark.parametrize("ghost_batch", [None, 8])
def test_re_estimated_statistics_are_the_populations(ghost_batch: int | None) -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        model = build_model({"name": "mlp_bn", "hidden": [6, 5], "ghost_batch": ghost_batch}, (12,), (3,))
        before = values_of(model)
        with cases.evaluation_of(model, data).population_statistics():
            inside = values_of(model)
        after = values_of(model)
    expected = forward_population(before, arrays["x_train"], 2)
    for key, value in expected.items():
        np.testing.assert_allclose(inside[key], value, rtol=1e-10, atol=1e-12, err_msg=key)
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value, err_msg=key)


def test_chunks_are_pooled_exactly_in_the_first_layer() -> None:
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        model = build_model({"name": "mlp_bn", "hidden": [6, 5]}, (12,), (3,))
        with cases.evaluation_of(
            model, data, population_chunk=10
        ).population_statistics():  # 55 examples: chunks of 10 and of 9
            inside = values_of(model)
    expected = forward_population(inside, arrays["x_train"], 1)
    for key, value in expected.items():
        np.testing.assert_allclose(inside[key], value, rtol=1e-10, atol=1e-12)


def test_pooling_equals_the_moments_of_the_union() -> None:
    random = np.random.default_rng(0)
    groups = [random.normal(loc=k, size=(5 + 3 * k, 4)) for k in range(4)]
    counts = np.array([[len(group)] for group in groups], dtype=np.float64)
    means = np.stack([group.mean(axis=0) for group in groups])
    variances = np.stack([group.var(axis=0) for group in groups])
    mean, variance = pool(counts, means, variances)
    union = np.concatenate(groups)
    np.testing.assert_allclose(mean, union.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, union.var(axis=0), rtol=1e-12)


def test_snapshots_keep_the_running_statistics() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = {"name": "mlp_bn", "hidden": [4], "momentum": 0.9}
        start = cases.initial(data, cases.spec(model=model))
        end = cases.trained(data, start, model=model, batch_size=55, learning_rate=0.0).snapshot
        kernel = start.arrays["weights/mlp_bn/hidden_1/kernel"][0]
        z = data.x.numpy()[:55] @ kernel
    # One update from mean 0 and variance 1 with momentum 0.9.
    np.testing.assert_allclose(end.arrays["weights/mlp_bn/norm_1/moving_mean"][0], 0.1 * z.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(
        end.arrays["weights/mlp_bn/norm_1/moving_variance"][0], 0.9 + 0.1 * z.var(axis=0), rtol=1e-10
    )


def test_nested_normalisation_layers_are_found() -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    wrapped = keras.layers.TimeDistributed(keras.layers.BatchNormalization())
    model = keras.Sequential([keras.Input((3, 4)), wrapped, keras.layers.Flatten(), keras.layers.Dense(4), inner])
    assert len(normalisation_layers(model)) == 2


@pytest.mark.parametrize("size", [8, 24, 27])
def test_ghost_normalisation_treats_each_group_as_a_batch(size: int) -> None:
    with cases.precision("float64"):
        x = np.random.default_rng(0).normal(size=(size, 2, 3))
        ghost, plain = GhostBatchNormalization(8, momentum=0.7), keras.layers.BatchNormalization(momentum=0.7)
        for layer in (ghost, plain):
            layer.build(x.shape)
            layer.gamma.assign([0.5, 1.0, 2.0])
            layer.beta.assign([1.0, 0.0, -1.0])
        found = ghost(x, training=True).numpy()
        # An independent plain layer sees the groups one after the other, as in accumulation.
        parts = [plain(x[start : start + 8], training=True).numpy() for start in range(0, size, 8)]
        np.testing.assert_allclose(found, np.concatenate(parts), rtol=1e-12, atol=1e-14)
        for name in ("moving_mean", "moving_variance"):
            np.testing.assert_allclose(getattr(ghost, name).numpy(), getattr(plain, name).numpy(), rtol=1e-12)
        np.testing.assert_allclose(ghost(x, training=False).numpy(), plain(x, training=False).numpy(), rtol=1e-12)


@pytest.mark.slow
def test_a_ghost_batch_equals_accumulation_over_micro_batches_of_its_size() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        plain: dict[str, Any] = {"name": "mlp_bn", "hidden": [8, 6]}
        start = cases.initial(data, cases.spec(model=plain))
        # 16 = 4 micro-batches of 4; the last batch of 7 leaves 4 + 3.
        accumulated = cases.trained(data, start, model=plain, accumulation=4, stop=110).snapshot
        ghost = cases.trained(data, start, model={**plain, "ghost_batch": 4}, stop=110).snapshot
        whole = cases.trained(data, start, model=plain, stop=110).snapshot
    for key, values in accumulated.arrays.items():
        np.testing.assert_allclose(ghost.arrays[key], values, rtol=1e-9, atol=1e-12, err_msg=key)
    assert cases.relative_error(cases.parameters(whole), cases.parameters(accumulated)) > 1e-3
