"""Passes that look into a traced program: each fires on the shipped models, and can be switched off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.backend import passes, runtime
from batchlab.backend.runtime import keras, tf
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.tensorflow_core.row_loops import Landscape
from batchlab.tensorflow_core.update_loop import compile_updates
from batchlab.tensorflow_core.xla_choice import jit_rule


def nodes_of(function: Any, *arguments: Any) -> list[Any]:
    """Return every operation of a traced function, those of its loops and branches included."""
    graph = function.get_concrete_function(*arguments).graph.as_graph_def()
    return [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]


def loop_has_a_condition(batch_size: int) -> bool:
    """Tell whether updates of the shipped multilayer perceptron go through the condition of `outer_products`."""
    data = cases.resident()
    model = build_model({"name": "mlp"}, data.shape, data.output_shape)
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    run = compile_updates(model, optimizer, data, batch_size, batch_size, True)
    operations = {node.op for node in nodes_of(run, tf.range(55), tf.constant(0), tf.constant(55))}
    assert "While" in operations or "StatelessWhile" in operations
    return bool(operations & {"If", "StatelessIf"})


def test_updates_of_few_examples_add_outer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loop_has_a_condition(8)
    assert not loop_has_a_condition(16)
    monkeypatch.setenv("BATCHLAB_WITHOUT", "outer_products")
    assert not loop_has_a_condition(8)


def products_of_examples(batch_size: int) -> int:
    """Return how many products of shape (B, B) the squared norms of the shipped multilayer perceptron are made of."""
    data = cases.resident(shape=(784,))
    model = build_model({"name": "mlp"}, data.shape, data.output_shape)
    landscape = Landscape(model, data)

    @tf.function(autograph=False)
    def squares(rows: Any) -> Any:
        return landscape.squared_norms(landscape.gradient(rows))

    graph = squares.get_concrete_function(tf.range(batch_size)).graph
    shape = [batch_size, batch_size]
    return sum(op.type == "MatMul" and op.outputs[0].shape.as_list() == shape for op in graph.get_operations())


def test_norms_come_from_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    # Kernels of 784 × 512 and 512 × 512; that of the last layer has 3 units, for which it would be more work.
    assert products_of_examples(5) == 2 * 2
    monkeypatch.setenv("BATCHLAB_WITHOUT", "norms_from_factors")
    assert products_of_examples(5) == 0


@pytest.mark.parametrize(
    ("model", "device", "jit"),
    [
        ({"name": "mlp"}, "cpu", True),
        ({"name": "mlp_bn"}, "cpu", True),
        ({"name": "mlp_bn", "ghost_batch": 4}, "cpu", True),
        ({"name": "mlp", "dropout": 0.1}, "cpu", False),
        ({"name": "mlp", "dropout": 0.1}, "gpu", False),
        ({"name": "lenet"}, "cpu", False),
        ({"name": "lenet"}, "gpu", True),
        ({"name": "cnn"}, "cpu", False),
    ],
)
def test_xla_is_chosen_by_rule(model: dict[str, Any], device: str, jit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_model(model, (8, 8, 1), (3,))
    decision, reason = jit_rule(built, device)
    assert decision is jit
    assert reason
    monkeypatch.setenv("BATCHLAB_WITHOUT", "xla_by_rule")
    assert jit_rule(built, device) == (True, "the pass xla_by_rule is switched off")


def test_the_rule_sees_through_custom_layers() -> None:
    class Hidden(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = keras.layers.Conv2D(2, 3)

        def call(self, inputs: Any) -> Any:
            return self.convolution(inputs)

    model = keras.Sequential([keras.Input((8, 8, 1)), Hidden(), keras.layers.Flatten(), keras.layers.Dense(3)])
    assert jit_rule(model, "cpu") == (False, "convolution on a CPU")


def test_results_agree_without_the_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with cases.precision("float64"):
        data = cases.resident()
        model = {"name": "mlp", "hidden": [64, 72]}
        start = cases.initial(data, cases.spec(model=model))
        ends = []
        for off in ("", ",".join(passes.PASSES)):
            monkeypatch.setenv("BATCHLAB_WITHOUT", off)
            ends.append(cases.parameters(cases.trained(data, start, model=model, batch_size=4).snapshot))
    assert cases.relative_error(*ends) < 1e-13
    assert not all(np.array_equal(one, other) for one, other in zip(*ends, strict=True))


def test_what_is_off_is_recorded_and_an_unknown_pass_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "without_passes" not in runtime.configure()
    monkeypatch.setenv("BATCHLAB_WITHOUT", "xla_by_rule, outer_products")
    assert runtime.configure()["without_passes"] == ["outer_products", "xla_by_rule"]
    monkeypatch.setenv("BATCHLAB_WITHOUT", "outer_product")
    with pytest.raises(BatchlabError, match=r"BATCHLAB_WITHOUT='outer_product'.*choose of outer_products"):
        runtime.configure()
