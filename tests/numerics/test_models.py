"""Models: options, shapes, the user's own, and the rule of compilation."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.models.signature import built_in_models, complete, options_of
from batchlab.training import state


@pytest.mark.parametrize("name", built_in_models())
def test_options_read_from_the_source_are_those_that_python_sees(name: str) -> None:
    parameters = inspect.signature(importlib.import_module(f"batchlab.models.{name}").build).parameters
    keywords = {key: p.default for key, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    found = {option: default for option, (_, default) in options_of(built_in_models()[name]).items()}
    assert found == {key: list(value) if isinstance(value, tuple) else value for key, value in keywords.items()}


def test_the_shipped_models_are_found() -> None:
    assert list(built_in_models()) == ["cnn", "lenet", "mlp", "mlp_bn", "transformer"]


def test_settings_are_completed_with_the_defaults_of_the_signature() -> None:
    assert complete("models.m", {"name": "mlp", "dropout": 0}) == {
        "name": "mlp",
        "hidden": [512, 512],
        "activation": "relu",
        "dropout": 0.0,
    }
    assert isinstance(complete("models.m", {"name": "mlp", "dropout": 0})["dropout"], float)
    assert complete("models.m", {"name": "mlp_bn", "ghost_batch": None})["ghost_batch"] is None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "mpl"}, "m.name: unknown model 'mpl'; did you mean 'mlp'"),
        ({"name": "mlp", "hiden": [3]}, "unknown option of model mlp 'hiden'; did you mean 'hidden'"),
        ({"name": "mlp", "hidden": [3, 0]}, "a list of integers of 1 or more, such as"),
        ({"name": "mlp", "activation": "rellu"}, "m.activation: 'rellu' is not possible; allowed: celu, "),
        ({"name": "mlp", "dropout": 1}, "a rate, 0 or more and less than 1"),
        ({"name": "lenet", "pooling": "sum"}, "allowed: average, max"),
        ({"name": "mlp_bn", "ghost_batch": 0}, "null or an integer of 1 or more"),
        ({"name": "mlp_bn", "momentum": True}, "m.momentum: true is not possible; allowed: a number"),
    ],
)
def test_wrong_options_are_one_line(model: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=re.escape(message)):
        complete("m", model)


@pytest.mark.parametrize(
    "option", ["units: int = 3", "units: Count", 'words: "Sizes" = (1, 2)', "units = 3", "units: Count | str = 3"]
)
def test_an_option_without_kind_or_default_is_named(tmp_path: Path, option: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(f"def build(input_shape, classes, *, {option}):\n    return None\n")
    with pytest.raises(BatchlabError, match=r"net\.py, line 1: option \w+ needs a default and a kind"):
        options_of(path)


@pytest.mark.parametrize("name", [name for name in built_in_models() if name != "transformer"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (9, 7)])
def test_every_model_takes_images_and_returns_logits(name: str, shape: tuple[int, ...]) -> None:
    model = build_model({"name": name}, shape, (7,))
    outputs = model(np.zeros((3, *shape), dtype=np.float32))
    assert outputs.shape == (3, 7)
    assert model.layers[-1].activation is keras.activations.linear


def parameters(model: Any) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def test_sizes_are_those_of_the_literature() -> None:
    assert parameters(build_model({"name": "mlp"}, (28, 28, 1), (10,))) == 785 * 512 + 513 * 512 + 513 * 10
    # Keskar's F1: dense layers without bias, γ and β instead.
    f1 = 784 * 512 + 4 * 512 * 512 + 5 * 2 * 512 + 513 * 10
    assert parameters(build_model({"name": "mlp_bn"}, (28, 28, 1), (10,))) == f1
    # LeNet-5 from the 5 × 5 convolutions on: 6, 16 maps, 400 → 120 → 84 → 10.
    lenet = 26 * 6 + (25 * 6 + 1) * 16 + 401 * 120 + 121 * 84 + 85 * 10
    assert parameters(build_model({"name": "lenet"}, (28, 28, 1), (10,))) == lenet


@pytest.mark.parametrize("name", ["lenet", "cnn"])
def test_convolutions_need_images(name: str) -> None:
    with pytest.raises(BatchlabError, match=f"model {name}: needs images"):
        build_model({"name": name}, (64,), (10,))


def test_a_seed_fixes_the_initial_weights_and_their_names() -> None:
    first, second, other = (
        state.capture(state.variables_of(build_model({"name": "mlp", "dropout": 0.1}, (4,), (3,), seed=seed)))
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
        (
            "def build(input_shape, classes):\n"
            "    parts = [keras.Input((6,)), keras.Input((6,))]\n"
            "    return keras.Model(parts, keras.layers.Dense(classes)(keras.layers.Concatenate()(parts)))",
            "has 2 inputs, but an example is one array; begin with one",
        ),
        (
            "def build(input_shape, classes):\n"
            "    layers = [keras.layers.Reshape((4, 3)), keras.layers.GRU(2, stateful=True)]\n"
            "    return keras.Sequential([keras.Input(batch_shape=(2, 12)), *layers, keras.layers.Dense(classes)])",
            "has a recurrent layer with stateful=True",
        ),
    ],
)
def test_a_wrong_user_model_is_one_line(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        build_model(user_file(tmp_path, code), (12,), (3,))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "resnet"}, "no built-in model 'resnet'"),
        ({"name": "mlp", "hiden": [3]}, "hiden"),
        ({"name": "mlp", "activation": "rellu"}, "model mlp: build"),
        ({"file": "nowhere.py"}, "does not exist"),
    ],
)
def test_wrong_settings_are_one_line(model: dict[str, Any], message: str) -> None:
    with pytest.raises(BatchlabError, match=message) as caught:
        build_model(model, (8, 8, 1), (3,))
    assert "\n" not in str(caught.value)


def test_a_model_may_import_the_module_beside_it(tmp_path: Path) -> None:
    (tmp_path / "blocks_beside_the_model.py").write_text(
        "import keras\ndef head(classes):\n    return keras.layers.Dense(classes)\n"
    )
    path = tmp_path / "model.py"
    path.write_text(
        "import keras\nfrom blocks_beside_the_model import head\n"
        "def build(input_shape, classes):\n    return keras.Sequential([keras.Input(input_shape), head(classes)])\n"
    )
    assert build_model({"file": str(path)}, (4,), (3,)).count_params() == 15
