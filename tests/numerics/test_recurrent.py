"""Recurrent layers and masked embeddings of a user's model: the gradient of an update, whatever its accumulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases
from numerics.task_cases import gradient
from numpy.typing import NDArray

from batchlab.backend.resident import Resident, from_arrays
from batchlab.models.construction import build_model
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training.model_trial import try_model

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]

STEPS, UNITS, WORDS = 4, 3, 9
MASKED = f"""
import keras

def build(input_shape, classes):
    return keras.Sequential([
        keras.Input(input_shape, dtype="int32"),
        keras.layers.Embedding({WORDS}, 2, mask_zero=True, name="embedding"),
        keras.layers.LSTM({UNITS}, name="recurrent"),
        keras.layers.Dense(classes, name="logits"),
    ])
"""
BOTH_WAYS = """
import keras

def build(input_shape, classes):
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Reshape((4, 3)),
        keras.layers.Bidirectional(keras.layers.GRU(3, name="recurrent"), name="both"),
        keras.layers.Dense(classes, name="logits"),
    ])
"""


def sequences() -> Resident:
    """Return sequences of words, of 1 to 4 with zeros behind them."""
    random, arrays = np.random.default_rng(3), cases.arrays()
    for split in ("train", "validation", "test"):
        count = len(arrays[f"y_{split}"])
        words = random.integers(1, WORDS, (count, STEPS)).astype(np.int32)
        arrays[f"x_{split}"] = words * (np.arange(STEPS) < random.integers(1, STEPS + 1, (count, 1)))
    return from_arrays(arrays, CLASSIFICATION)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def loss(weights: list[Array], sentences: NDArray[Any], labels: NDArray[Any]) -> float:
    """Return the mean cross-entropy of an LSTM that reads each sentence up to its first zero, written out."""
    embedding, kernel, recurrent, bias, dense, shift = weights
    total = 0.0
    for sentence, label in zip(sentences, labels, strict=True):
        state = memory = np.zeros(UNITS)
        for word in sentence[sentence > 0]:
            gates = embedding[word] @ kernel + state @ recurrent + bias
            enter, keep, new, leave = np.split(gates, 4)
            memory = sigmoid(keep) * memory + sigmoid(enter) * np.tanh(new)
            state = sigmoid(leave) * np.tanh(memory)
        logits = state @ dense + shift
        total += np.log(np.exp(logits).sum()) - logits[label]
    return total / len(labels)


def model_file(tmp_path: Path, code: str) -> dict[str, Any]:
    (tmp_path / "mine.py").write_text(code)
    return {"file": str(tmp_path / "mine.py"), "code": "0123456789"}


def test_an_lstm_that_skips_masked_words_has_the_slopes_of_its_formula(tmp_path: Path) -> None:
    with cases.precision("float64"):
        data, settings = sequences(), model_file(tmp_path, MASKED)
        try_model(settings, data)
        model = build_model(settings, data.shape, data.output_shape, seed=1)
        rows = np.arange(20, 36, dtype=np.int32)
        found = [np.asarray(part) for part in gradient(model, data, rows, 4)]
        weights = [np.asarray(variable.value) for variable in model.trainable_variables]
    examples = np.asarray(data.x)[rows], np.asarray(data.y)[rows]
    random, step = np.random.default_rng(0), 1e-6
    for place, slopes in enumerate(found):
        direction = random.normal(size=slopes.shape)
        ahead, behind = (
            loss([w + sign * step * direction if i == place else w for i, w in enumerate(weights)], *examples)
            for sign in (1, -1)
        )
        assert np.vdot(slopes, direction) == pytest.approx((ahead - behind) / (2 * step), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ["masked", "both ways"])
def test_accumulation_leaves_the_gradient_as_it_is(tmp_path: Path, name: str) -> None:
    with cases.precision("float64"):
        data = sequences() if name == "masked" else cases.resident()
        settings = model_file(tmp_path, MASKED if name == "masked" else BOTH_WAYS)
        model = build_model(settings, data.shape, data.output_shape, seed=1)
        rows = np.arange(20, 36, dtype=np.int32)
        whole, *parts = ([np.asarray(part) for part in gradient(model, data, rows, 16 // k)] for k in (1, 4, 16))
    for split in parts:
        for one, other in zip(whole, split, strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)
