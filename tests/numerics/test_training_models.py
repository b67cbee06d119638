"""Models: options, shapes, the user's own, and the rule of compilation."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.backend import runtime
from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.planning.model_options import MODEL_OPTIONS
from batchlab.tensorflow_core.xla_choice import jit_rule
from batchlab.training import state


@pytest.mark.parametrize("name", MODEL_OPTIONS)
def test_options_are_the_keyword_arguments_of_the_builder(name: str) -> None:
    builder = __import__(f"batchlab.models.{name}", fromlist=["build"]).build
    keywords = {
        key for key, p in inspect.signature(builder).parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert keywords == set(MODEL_OPTIONS[name])


@pytest.mark.parametrize("name", MODEL_OPTIONS)
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (9, 7)])
def test_every_model_takes_images_and_returns_logits(name: str, shape: tuple[int, ...]) -> None:
    model = build_model({"name": name}, shape, 7)
    outputs = model(np.zeros((3, *shape), dtype=np.float32))
    assert outputs.shape == (3, 7)
    assert model.layers[-1].activation is keras.activations.linear


def parameters(model: Any) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def test_sizes_are_those_of_the_literature() -> None:
    assert parameters(build_model({"name": "mlp"}, (28, 28, 1), 10)) == 785 * 512 + 513 * 512 + 513 * 10
    # Keskar's F1: dense layers without bias, γ and β instead.
    f1 = 784 * 512 + 4 * 512 * 512 + 5 * 2 * 512 + 513 * 10
    assert parameters(build_model({"name": "mlp_bn"}, (28, 28, 1), 10)) == f1
    # LeNet-5 from the 5 × 5 convolutions on: 6, 16 maps, 400 → 120 → 84 → 10.
    lenet = 26 * 6 + (25 * 6 + 1) * 16 + 401 * 120 + 121 * 84 + 85 * 10
    assert parameters(build_model({"name": "lenet"}, (28, 28, 1), 10)) == lenet


@pytest.mark.parametrize("name", ["lenet", "cnn"])
def test_convolutions_need_images(name: str) -> None:
    with pytest.raises(BatchlabError, match=f"model {name}: needs images"):
        build_model({"name": name}, (64,), 10)


def test_a_seed_fixes_the_initial_weights_and_their_names() -> None:
    first, second, other = (
        state.capture(state.variables_of(build_model({"name": "mlp", "dropout": 0.1}, (4,), 3, seed=seed)))
        for seed in (1, 1, 2)
    )
    assert list(first) == list(second) == list(other)
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert not np.array_equal(first["weights/mlp/hidden_1/kernel"], other["weights/mlp/hidden_1/kernel"])


def user_file(tmp_path: Path, code: str) -> dict[str, Any]:
    path = tmp_path / "my_model.py"
    path.write_text("import keras\n" + textwrap.dedent(code))
    return {"file": str(path), "code": "0123456789"}


def test_a_user_model_is_built_with_its_options(tmp_path: Path) -> None:
    model = user_file(
        tmp_path,
        """
        def build(input_shape, classes, units=3):
            return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(units), keras.layers.Dense(classes)])
        """,
    )
    data = cases.resident()
    settings = cases.spec(model={**model, "units": 5}, seeds=[0, 1])
    start = cases.initial(data, settings)
    assert start.arrays["weights/sequential/dense/kernel"].shape == (2, 12, 5)
    assert cases.trained(data, start, **{**settings, "seeds": [1]}).history[0]["status"] == "ok"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def build(input_shape, classes): return 1", "returned int instead of a keras.Model"),
        ("def build(input_shape, classes): 1 / 0", r"build\(\) failed: ZeroDivisionError: division by zero"),
        ("def build(input_shape): return None", r"build\(\) failed: TypeError"),
        ("raise RuntimeError('no')", "cannot be imported: RuntimeError: no"),
        ("x = 1", "has no function build"),
        (
            "def build(input_shape, classes):\n"
            "    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(classes + 1)])",
            r"returns shape \(2, 4\)",
        ),
        (
            "def build(input_shape, classes):\n"
            "    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(classes, trainable=False)])",
            "has no trainable weights",
        ),
        (
            "def build(input_shape, classes):\n"
            "    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(classes)])",
            "cannot take examples of shape",
        ),
    ],
)
def test_a_wrong_user_model_is_one_line(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        build_model(user_file(tmp_path, code), (12,), 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "resnet"}, "unknown name 'resnet'"),
        ({"name": "mlp", "hiden": [3]}, "unknown option 'hiden'"),
        ({"name": "mlp", "activation": "rellu"}, "model mlp: build"),
        ({"name": "lenet", "pooling": "sum"}, "choose average or max"),
        ({"file": "nowhere.py"}, "does not exist"),
    ],
)
def test_wrong_settings_are_one_line(model: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        build_model(model, (8, 8, 1), 3)
    assert "\n" not in str(caught.value)


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
def test_the_rule_of_compilation(model: dict[str, Any], device: str, jit: bool) -> None:
    decision, reason = jit_rule(build_model(model, (8, 8, 1), 3), device)
    assert decision is jit
    assert reason


def test_the_rule_sees_through_custom_layers() -> None:
    class Hidden(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = keras.layers.Conv2D(2, 3)

        def call(self, inputs: Any) -> Any:
            return self.convolution(inputs)

    model = keras.Sequential([keras.Input((8, 8, 1)), Hidden(), keras.layers.Flatten(), keras.layers.Dense(3)])
    assert jit_rule(model, "cpu") == (False, "convolution on a CPU")


def test_an_unknown_precision_or_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BatchlabError, match="precision: 'float16'"):
        runtime.configure("float16")
    monkeypatch.setenv("BATCHLAB_DEVICE", "tpu")
    with pytest.raises(BatchlabError, match="BATCHLAB_DEVICE='tpu'"):
        runtime.configure()
