"""Models of users that can be built and must not be trained."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from numerics import cases

from batchlab.errors import BatchlabError
from batchlab.training.model_trial import try_model

STACK = "return keras.Sequential([keras.Input(shape), {}])"


def user_file(folder: Path, code: str) -> dict[str, Any]:
    path = folder / "my_model.py"
    path.write_text("import keras, numpy, random\nlayers = keras.layers\n" + textwrap.dedent(code))
    return {"file": str(path), "code": "0123456789"}


def built_of(layers: str, before: str = "") -> str:
    """Return the source of a file whose `build` stacks these layers."""
    return f"{before}\ndef build(shape, classes):\n    {STACK.format(layers)}\n"


def layer(body: str) -> str:
    """Return the source of a layer `Own` whose `call(self, x, training)` has this body."""
    return f"class Own(layers.Layer):\n    count = 0.0\n    def call(self, x, training=None):\n        {body}\n"


LOGITS = "layers.Dense(classes)"


@pytest.mark.parametrize(
    "code",
    [
        built_of(LOGITS),
        built_of(f"layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.5), {LOGITS}"),
        built_of(f"Own(), {LOGITS}", layer("return x + keras.random.normal((1,), seed=3) if training else x")),
        "print('hello')\n" + built_of(LOGITS),
        built_of(f"layers.Dense(9, activation='relu'), layers.Dense(5, activation='sigmoid'), {LOGITS}"),
        built_of(f"{LOGITS}, layers.LeakyReLU()"),
    ],
)
def test_a_sound_model_passes(tmp_path: Path, code: str) -> None:
    found = try_model(user_file(tmp_path, code), cases.resident())
    assert found["parameters"] >= 12 * 3 + 3
    json.dumps(found)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (built_of("layers.Dense(classes, activation='softmax')"), "returns probabilities; return logits"),
        (built_of(f"{LOGITS}, layers.Softmax()"), "returns probabilities; return logits"),
        *(
            (built_of(f"layers.Dense(classes, activation='{end}')"), "whatever its weights")
            for end in ("sigmoid", "relu", "tanh", "softplus", "hard_sigmoid", "relu6")
        ),
        (built_of(f"layers.Dense(9, activation='relu'), {LOGITS}, layers.ReLU()"), "whatever its weights"),
        (
            "def build(shape, classes):\n    model = "
            + STACK.format(LOGITS).removeprefix("return ")
            + "\n    model.compile('adam', 'sparse_categorical_crossentropy')\n    return model\n",
            r"take out model.compile",
        ),
        (built_of("layers.Dense(classes, dtype='float16')"), "is float16, the precision is float32"),
        (built_of("layers.Dense(classes, dtype='mixed_float16')"), "returns float16, the precision is float32"),
        (built_of("layers.Dense(classes, kernel_initializer=keras.initializers.Constant(numpy.inf))"), "not finite"),
        (built_of(f"layers.Lambda(lambda x: x * numpy.nan), {LOGITS}"), "returns NaN or infinite values"),
        (
            built_of(
                "layers.Dense(classes, bias_initializer=drawn)",
                "drawn = lambda *_, **__: [random.SystemRandom().random()] * 3",
            ),
            "starts otherwise at each call",
        ),
        (built_of(f"Own(), {LOGITS}", layer("return x + keras.random.normal((1,))")), "other outputs for the same"),
        (
            built_of(f"Own(), {LOGITS}", layer("self.count += 1.0; return x * self.count")),
            "other outputs for the same examples",
        ),
        (built_of(f"Own(), {LOGITS}", layer("return x / 0 if training else x")), "cannot be trained|not finite"),
        (built_of(f"Own(), {LOGITS}", layer("1 / 0 if training else 0; return x")), "cannot be trained: ZeroDivision"),
        (built_of(f"{LOGITS}, Own()", layer("return keras.ops.stop_gradient(x)")), "its gradient is zero"),
        (
            "class Own(keras.Model):\n"
            "    def __init__(self, n):\n        super().__init__()\n        self.d = layers.Dense(n)\n"
            "    def call(self, x, training=None):\n        return self.d(x)\n"
            "def build(shape, classes):\n    return Own(classes)\n",
            "does not know the shape of its inputs; return keras.Sequential",
        ),
        (
            "def build(shape, classes):\n    x = keras.Input(shape)\n    y = layers.Dense(classes)(x)\n"
            "    return keras.Model(x, [y, y])\n",
            "my_model.py: ",
        ),
    ],
)  # fmt: skip
def test_an_unsound_model_is_refused_in_one_line(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(BatchlabError, match=words) as caught:
        try_model(user_file(tmp_path, code), cases.resident())
    assert str(caught.value).startswith(f"model {tmp_path / 'my_model.py'}: ")
