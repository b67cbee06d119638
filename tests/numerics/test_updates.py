"""Updates against the float64 twin, and accumulation against the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from slow import slow_but

from batchlab.backend import runtime
from batchlab.backend.resident import Resident, from_arrays
from batchlab.backend.runtime import keras, tf
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.tensorflow_core.tapes import accumulated, gradient_sum
from batchlab.tensorflow_core.update_loop import compile_updates
from batchlab.training import order

OPTIMIZERS: dict[str, tuple[dict[str, Any], Any]] = {
    "sgd": (cases.optimizer("sgd"), lambda: reference.SGD(0.1)),
    "momentum": (cases.optimizer("sgd", momentum=0.9), lambda: reference.SGD(0.1, 0.9)),
    "nesterov": (cases.optimizer("sgd", momentum=0.9, nesterov=True), lambda: reference.SGD(0.1, 0.9, True)),
    "adam": (cases.optimizer("adam"), lambda: reference.Adam(0.1)),
}


@pytest.mark.parametrize(
    ("name", "accumulation", "activation"),
    [("sgd", 1, "relu"), ("sgd", 4, "tanh"), ("momentum", 4, "relu"), ("nesterov", 1, "tanh"), ("adam", 4, "tanh")],
)
def test_two_epochs_with_a_ragged_batch_equal_the_twin(name: str, accumulation: int, activation: str) -> None:
    settings, twin = OPTIMIZERS[name]
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = from_arrays(arrays, CLASSIFICATION)
        changes = {"model": {**cases.MLP, "activation": activation}, "stop": 2 * cases.EXAMPLES}
        start = cases.initial(data, cases.spec(**changes))
        end = cases.trained(data, start, optimizer=settings, accumulation=accumulation, **changes).snapshot
    orders = [order.permutation(3, epoch, cases.EXAMPLES) for epoch in range(2)]
    expected = reference.train(
        cases.parameters(start), twin(), arrays["x_train"], arrays["y_train"], orders, 16, activation
    )
    assert cases.relative_error(cases.parameters(end), expected) < 1e-12
    assert end.positions[0].updates == 8


def test_five_updates_in_single_precision_equal_the_twin() -> None:
    arrays = cases.arrays(examples=80, stored="uint8")
    data = from_arrays(arrays, CLASSIFICATION)
    start = cases.initial(data, cases.spec())
    end = cases.trained(data, start, stop=80, accumulation=2).snapshot
    expected = reference.train(
        cases.parameters(start),
        reference.SGD(0.1),
        arrays["x_train"] / 255.0,
        arrays["y_train"],
        [order.permutation(3, 0, 80)],
        16,
        "relu",
    )
    assert cases.relative_error(cases.parameters(end), expected) < 1e-6


@pytest.mark.parametrize("optimizer", slow_but(["sgd", "momentum", "adam"], "momentum"))
def test_accumulation_gives_the_update_of_the_whole_batch(optimizer: str) -> None:
    settings, _ = OPTIMIZERS[optimizer]
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec())
        whole, *parts = (
            cases.parameters(cases.trained(data, start, optimizer=settings, accumulation=k).snapshot)
            for k in (1, 4, 16)
        )
    for part in parts:
        assert cases.relative_error(part, whole) < 1e-12


def test_accumulation_with_batch_normalisation_is_another_thing() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = {"name": "mlp_bn", "hidden": [8]}
        start = cases.initial(data, cases.spec(model=model))
        whole, part = (
            cases.parameters(cases.trained(data, start, model=model, accumulation=k).snapshot) for k in (1, 4)
        )
    assert cases.relative_error(part, whole) > 1e-3


def _penalised(penalty: str) -> Any:
    regularizer = keras.regularizers.L2(0.0625)  # Keras rounds it to single precision: take an exact one
    layer = keras.layers.Dense(
        3,
        kernel_regularizer=regularizer if penalty == "weights" else None,
        activity_regularizer=regularizer if penalty == "activity" else None,
    )
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((12,)), layer])


def test_a_weight_penalty_enters_an_update_once_whatever_the_accumulation() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = _penalised("weights")
        rows = tf.range(7)
        sums = {micro: accumulated(model, data, rows, micro)[1] for micro in (7, 4, 1)}
        kernel, bias = (variable.numpy() for variable in model.trainable_variables)
        x, y = data.x.numpy()[:7], data.y.numpy()[:7]
    expected = reference.gradient_sum([kernel, bias], x, y, "relu")
    for gradients in sums.values():
        # d/dw of 0.0625 ‖w‖², seven examples' worth in the sum, once in the mean
        np.testing.assert_allclose(gradients[0].numpy() / 7, expected[0] / 7 + 0.125 * kernel, rtol=1e-12)
        np.testing.assert_allclose(gradients[1].numpy(), expected[1], rtol=1e-12, atol=1e-14)


def test_an_activity_penalty_is_weighted_by_the_examples_of_its_micro_batch() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = _penalised("activity")
        whole = accumulated(model, data, tf.range(7), 7)[1][0].numpy()
        parts = accumulated(model, data, tf.range(7), 4)[1][0].numpy()
    # Keras divides an activity penalty by the batch's count, so counting it back gives a sum over examples.
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = runtime.keras.Sequential(
            [keras.Input((12,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3)]
        )
        rows = tf.range(9)
        _, gradients = gradient_sum(model, data, rows)
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            value = variable.numpy()
            for index in np.ndindex(*value.shape):
                sides = []
                for step in (1e-6, -1e-6):
                    moved = value.copy()
                    moved[index] += step
                    variable.assign(moved)
                    sides.append(float(gradient_sum(model, data, rows)[0]))
                variable.assign(value)
                assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(float(gradient[index]), rel=1e-6, abs=1e-7)


def test_the_compiled_loop_returns_the_losses_along_the_way() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(3)])
        optimizer = keras.optimizers.SGD(0.2)
        optimizer.build(model.trainable_variables)
        weights = [variable.numpy() for variable in model.trainable_variables]
        run = compile_updates(model, optimizer, data, 10, 5, True)
        found = float(run(tf.range(55), tf.constant(20), tf.constant(50)))
    x, y = data.x.numpy(), data.y.numpy()
    expected, sgd = 0.0, reference.SGD(0.2)
    for start in (20, 30, 40):
        rows = slice(start, start + 10)
        expected += reference.losses(reference.forward(weights, x[rows], "relu")[0], y[rows]).sum()
        weights = sgd.step(weights, [g / 10 for g in reference.gradient_sum(weights, x[rows], y[rows], "relu")])
    assert found == pytest.approx(expected, rel=1e-12)


def test_other_positions_do_not_compile_anew(tmp_path: Path) -> None:
    """XLA dumps each module that it compiles: running other stretches of the order must add none."""
    script = textwrap.dedent(
        f"""
        from pathlib import Path
        from batchlab.backend import runtime
        from batchlab.backend.runtime import keras, tf
        from batchlab.tensorflow_core.update_loop import compile_updates
        runtime.configure()
        from numerics import cases
        data = cases.resident()
        model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(3)])
        optimizer = keras.optimizers.SGD(0.2)
        optimizer.build(model.trainable_variables)
        run = compile_updates(model, optimizer, data, 10, 5, True)
        order = tf.range(55)
        def modules():
            return len(list(Path({str(tmp_path)!r}).glob("*run*before_optimizations.txt")))
        run(order, tf.constant(0), tf.constant(0))
        first = modules()
        for start, stop in ((0, 10), (0, 50), (5, 25), (10, 40)):
            run(order, tf.constant(start), tf.constant(stop))
        print(first, modules())
        """
    )
    environment = {**os.environ, "XLA_FLAGS": f"--xla_dump_to={tmp_path}", "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    assert result.stdout.split() == ["1", "1"]


def test_bytes_and_floats_of_the_same_values_are_the_same_inputs() -> None:
    arrays = cases.arrays(stored="uint8")
    data: Resident = from_arrays(arrays, CLASSIFICATION)
    np.testing.assert_array_equal(
        data.inputs(data.x[:55]).numpy(), arrays["x_train"].astype(np.float32) / np.float32(255)
    )
