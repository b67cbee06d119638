"""Every Keras optimizer: its options, and its updates inside the compiled loop against Keras' own, run eagerly."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from numerics import cases, reference
from slow import slow_but

from batchlab.backend.runtime import keras, tf
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.planning.optimizer_options import NOT_OFFERED, OPTIMIZER_OPTIONS, WRAPPERS
from batchlab.tensorflow_core.tapes import gradient_sum
from batchlab.training import optimizers, state
from batchlab.training.order import permutation


def test_every_optimizer_of_keras_is_offered() -> None:
    found = {name.lower() for name, value in vars(keras.optimizers).items() if inspect.isclass(value)}
    assert found - set(WRAPPERS) == set(OPTIMIZER_OPTIONS)


@pytest.mark.parametrize("name", OPTIMIZER_OPTIONS)
def test_hyperparameters_and_defaults_are_those_of_keras(name: str) -> None:
    signature = inspect.signature(optimizers.optimizer_class(name).__init__).parameters
    expected = {
        key: parameter.default for key, parameter in signature.items() if key not in {"self", "kwargs", *NOT_OFFERED}
    }
    assert expected == OPTIMIZER_OPTIONS[name]


@pytest.mark.parametrize("name", slow_but(OPTIMIZER_OPTIONS, "sgd", "adam"))
def test_updates_in_the_loop_equal_eager_ones(name: str) -> None:
    data = cases.resident(examples=48)
    start = cases.initial(data, cases.spec())
    found = cases.trained(data, start, optimizer=cases.optimizer(name), learning_rate=0.01, stop=48).snapshot
    model = build_model(cases.MLP, data.shape, data.output_shape)
    start.load(3, state.variables_of(model))
    optimizer = optimizers.optimizer_class(name)(learning_rate=0.01)
    order = permutation(3, 0, 48)
    for first in range(0, 48, 16):
        rows = tf.constant(order[first : first + 16])
        _, gradients = gradient_sum(model, data, rows)
        optimizer.apply([gradient / 16 for gradient in gradients], model.trainable_variables)
    expected = [variable.numpy() for variable in model.trainable_variables]
    moved = cases.relative_error(expected, cases.parameters(start))
    assert moved > 1e-6
    assert cases.relative_error(cases.parameters(found), expected) < 2e-5 * max(moved, 0.05)
    assert sum(key.startswith("optimizer/") for key in found.arrays) == len(optimizer.variables)


@pytest.mark.parametrize(
    "option", slow_but([{"weight_decay": 0.1}, {"clipnorm": 0.01}, {"global_clipnorm": 0.01}], {"clipnorm": 0.01})
)
def test_common_hyperparameters_change_the_update_by_their_formula(option: dict[str, float]) -> None:
    with cases.precision("float64"):
        data = cases.resident(examples=16)
        start = cases.initial(data, cases.spec())
        plain = cases.parameters(cases.trained(data, start, stop=16).snapshot)
        changed = cases.parameters(
            cases.trained(data, start, stop=16, optimizer=cases.optimizer("sgd", **option)).snapshot
        )
    before = cases.parameters(start)
    gradients = [(a - b) / 0.1 for a, b in zip(before, plain, strict=True)]
    if "weight_decay" in option:  # decoupled: w ← w − η λ w before the step
        expected = [w - 0.1 * 0.1 * w - 0.1 * g for w, g in zip(before, gradients, strict=True)]
    elif "clipnorm" in option:
        expected = [
            w - 0.1 * g * min(1.0, 0.01 / float(np.linalg.norm(g))) for w, g in zip(before, gradients, strict=True)
        ]
    else:
        norm = float(np.sqrt(sum((g**2).sum() for g in gradients)))
        expected = [w - 0.1 * g * min(1.0, 0.01 / norm) for w, g in zip(before, gradients, strict=True)]
    # Keras takes the rate of weight decay through single precision.
    assert cases.relative_error(changed, expected) < 1e-9


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"name": "sdg"}, "there is no optimizer sdg"),
        ({"name": "adam", "momentum": 0.1}, "momentum"),
        ({"name": "sgd", "momentum": 3.0}, "Keras refuses"),
    ],
)
def test_settings_that_keras_refuses_are_one_line(optimizer: dict[str, object], message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        optimizers.build(optimizer, 0.1, [])
    assert "\n" not in str(caught.value)


def test_adadelta_in_double_precision_is_that_of_its_paper() -> None:
    """Zeiler 2012, algorithm 1: averages of squared gradients and squared steps, the step times the learning rate."""
    rho, epsilon, rate = 0.95, 1e-7, 0.5
    arrays = cases.arrays(examples=48)
    with cases.precision("float64"):
        data = cases.resident(examples=48)
        start = cases.initial(data, cases.spec())
        settings = cases.optimizer("adadelta")
        found = cases.trained(data, start, optimizer=settings, learning_rate=rate, stop=48).snapshot
    parameters = cases.parameters(start)
    squares, steps = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    order = permutation(3, 0, 48)
    for first in range(0, 48, 16):
        rows = order[first : first + 16]
        summed = reference.gradient_sum(parameters, arrays["x_train"][rows], arrays["y_train"][rows], "relu")
        for number, gradient in enumerate(part / 16 for part in summed):
            squares[number] = rho * squares[number] + (1 - rho) * gradient**2
            step = np.sqrt(steps[number] + epsilon) / np.sqrt(squares[number] + epsilon) * gradient
            steps[number] = rho * steps[number] + (1 - rho) * step**2
            parameters[number] = parameters[number] - rate * step
    assert cases.relative_error(cases.parameters(found), parameters) < 1e-12


# The two that multiply a hyperparameter with a variable inside the compiled loop, and one that does not.
@pytest.mark.parametrize("name", slow_but(["adadelta", "muon", "adamw"], "muon"))
def test_an_optimizer_trains_in_double_precision(name: str) -> None:
    with cases.precision("float64"):
        data = cases.resident(examples=32)
        start = cases.initial(data, cases.spec())
        changes = {"optimizer": cases.optimizer(name), "learning_rate": 0.01, "stop": 32}
        found = cases.trained(data, start, **changes).snapshot
    moved = cases.relative_error(cases.parameters(found), cases.parameters(start))
    assert 1e-6 < moved < 10
    assert {str(values.dtype) for key, values in found.arrays.items() if key.endswith("kernel")} == {"float64"}
