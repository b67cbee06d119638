"""Updates of few examples, made by outer products, against the float64 twin and against the matrix product."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference
from numerics.test_updates import OPTIMIZERS
from slow import slow_but

from batchlab.backend.runtime import keras, tf
from batchlab.tensorflow_core import outer_products
from batchlab.tensorflow_core.update_loop import compile_updates
from batchlab.training import order

WIDE = {"name": "mlp", "hidden": [64, 72]}


def _by_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer_products, "MOST_EXAMPLES", 0)


CASES = list(itertools.product([("sgd", 1), ("sgd", 8), ("momentum", 3), ("adam", 8)], ["relu", "tanh"]))


@pytest.mark.parametrize("case", slow_but(CASES, (("sgd", 1), "tanh"), (("adam", 8), "relu")), ids=str)
def test_an_epoch_with_a_ragged_batch_equals_the_twin(case: tuple[tuple[str, int], str]) -> None:
    (name, batch_size), activation = case
    settings, twin = OPTIMIZERS[name]
    arrays = cases.arrays()
    with cases.precision("float64"):
        data = cases.resident()
        changes = {"model": {**WIDE, "activation": activation}, "stop": cases.EXAMPLES}
        start = cases.initial(data, cases.spec(**changes))
        changes |= {"optimizer": settings, "batch_size": batch_size, "accumulation": 1}
        end = cases.trained(data, start, **changes).snapshot
    expected = reference.train(
        cases.parameters(start),
        twin(),
        arrays["x_train"],
        arrays["y_train"],
        [order.permutation(3, 0, cases.EXAMPLES)],
        batch_size,
        activation,
    )
    assert cases.relative_error(cases.parameters(end), expected) < 1e-12


@keras.saving.register_keras_serializable(package="batchlab_tests")
class Scale(keras.layers.Layer):
    """One factor for everything: a variable without dimensions."""

    def build(self, input_shape: Any) -> None:
        """Make the factor."""
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, inputs: Any) -> Any:
        """Multiply."""
        return self.factor * inputs


def _model(kind: str) -> Any:
    """Return models in which some gradients are, and some are not, a product of two factors."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((12,))
    dense = keras.layers.Dense(64, activation="tanh", name="wide")
    hidden = dense(inputs)
    if kind == "shared":
        square = keras.layers.Dense(64, activation="tanh", name="square")
        hidden = square(square(hidden))
    if kind == "penalty":
        hidden = keras.layers.Dense(64, kernel_regularizer=keras.regularizers.L2(0.5), name="penalised")(hidden)
    if kind == "positions":
        hidden = keras.layers.Reshape((2, 32))(hidden)
        hidden = keras.layers.Flatten()(keras.layers.Dense(64, name="each_position")(hidden))
    if kind == "scalar":
        hidden = Scale()(hidden)
    if kind == "frozen":
        frozen = keras.layers.Dense(64, name="frozen")
        hidden = frozen(hidden)
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(hidden))
    if kind == "frozen":
        frozen.trainable = False
    return model


def _trained(kind: str) -> tuple[list[Any], set[str]]:
    """Return the weights after an epoch in batches of 5 and the types of the loop's operations."""
    data = cases.resident()
    model = _model(kind)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    optimizer.build(model.trainable_variables)
    run = compile_updates(model, optimizer, data, 5, 5, True)
    arguments = tf.range(55), tf.constant(0), tf.constant(55)
    graph = run.get_concrete_function(*arguments).graph.as_graph_def()  # type: ignore[attr-defined]
    run(*arguments)
    operations = {node.op for function in graph.library.function for node in function.node_def}
    return [variable.numpy() for variable in model.trainable_variables], operations


KINDS = ("plain", "shared", "penalty", "positions", "scalar", "frozen")


@pytest.mark.parametrize("kind", slow_but(KINDS, "plain", "shared", "frozen"))
def test_any_model_gets_the_update_of_the_matrix_product(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with cases.precision("float64"):
        found, operations = _trained(kind)
        _by_products(monkeypatch)
        expected, others = _trained(kind)
    # A condition is what tells the two apart; a frozen layer is a variable that is not trained, see `pay`.
    assert ("If" in operations) == (kind != "frozen")
    assert "If" not in others
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_a_gradient_that_is_not_finite_shows_in_the_loss() -> None:
    with cases.precision("float64"):
        data = cases.resident()
        start = cases.initial(data, cases.spec(model=WIDE))
        changes = {"model": WIDE, "batch_size": 4, "accumulation": 1, "learning_rate": 1e200}
        end = cases.trained(data, start, **changes)
    assert end.snapshot.positions[0].status == "diverged"
