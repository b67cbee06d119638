"""Every task against a twin in float64 NumPy, on both cores, with weights, masks and accumulation."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases, reference, task_cases
from numpy.typing import NDArray

from batchlab.training import order

Array = NDArray[np.float64]
# What two epochs of eight updates may differ by, relative to the norm of the weights.
BOUND = 1e-9


def softmax(outputs: Array, labels: NDArray[Any]) -> Array:
    shares = np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
    return shares - np.eye(outputs.shape[-1])[labels]


def sigmoid(outputs: Array, answers: NDArray[Any]) -> Array:
    return 1 / (1 + np.exp(-outputs)) - answers


def standardised(arrays: task_cases.Arrays, split: str) -> Array:
    given = arrays.get("w_train")
    mean = np.average(arrays["y_train"], axis=0, weights=given)
    variance = np.average((arrays["y_train"] - mean) ** 2, axis=0, weights=given)
    return (arrays[f"y_{split}"] - mean) / np.sqrt(variance)


# Kind of targets → slope of an example's loss with respect to its outputs.
SLOPES: dict[str, Callable[[Array, Any], Array]] = {
    "classes": softmax,
    "two": lambda outputs, labels: sigmoid(outputs, labels[:, None]),
    "several": lambda outputs, labels: sigmoid(outputs, labels) / 3,
    "squared": lambda outputs, targets: (outputs - targets) * 2 / 2,
    "absolute": lambda outputs, targets: np.sign(outputs - targets) / 2,
    "tokens": softmax,
}


@functools.cache
def twin(name: str) -> tuple[list[Array], task_cases.Arrays, Any]:
    """Return what `from_start` does from the weights that TensorFlow draws."""
    return from_start(name, trained(name)[0])


def from_start(name: str, start: list[Array]) -> tuple[list[Array], task_cases.Arrays, Any]:
    """Return the weights after training, the data, and how much each example counts."""
    case = task_cases.CASES[name]
    arrays = task_cases.arrays(case)
    x, y = arrays["x_train"], arrays["y_train"]
    slope = SLOPES[name if case.kind == "numbers" else case.kind]
    y = standardised(arrays, "train") if case.kind == "numbers" else y
    weights = arrays.get("w_train", np.ones(y.shape if case.kind == "tokens" else len(y)))
    if name == "balanced":
        of_class = np.array([weights[y == label].sum() for label in range(3)])
        weights = weights * (weights.sum() / 3 / of_class)[y]
    if name == "named":
        weights = weights * np.where(y == 1, 3.0, 1.0)
    if case.kind == "tokens":  # a row for each token: the embedding is a kernel of one-hot inputs
        embedding, kernel, bias = start
        start = [embedding, np.zeros(embedding.shape[1]), kernel, bias]
        x = np.eye(task_cases.TOKENS)[x]
    sgd = reference.SGD(task_cases.RATE, 0.9)
    activation = "none" if case.kind == "tokens" else "tanh"
    for epoch in range(task_cases.EPOCHS):
        shuffled = order.permutation(3, epoch, len(x))
        for first in range(0, len(x), 16):
            rows = shuffled[first : first + 16]
            inputs, targets, counts = x[rows], y[rows], weights[rows]
            if case.kind == "tokens":
                inputs, targets, counts = inputs.reshape(-1, inputs.shape[-1]), targets.ravel(), counts.ravel()
            outputs, layers, pre = forward(start, inputs, activation)
            delta = slope(outputs, targets) * counts[:, None] / counts.sum()
            gradients = backward(start, layers, pre, delta, activation)
            if case.kind == "tokens":
                gradients[1] = np.zeros_like(gradients[1])  # an embedding has no bias
            start = sgd.step(start, gradients)
    return ([start[0], *start[2:]] if case.kind == "tokens" else start), arrays, weights


def forward(parameters: list[Array], x: Array, activation: str) -> tuple[Array, list[Array], list[Array]]:
    """Return outputs, the input of each layer, and each pre-activation."""
    layers, pre = [x], []
    for kernel, bias in zip(parameters[::2], parameters[1::2], strict=True):
        pre.append(layers[-1] @ kernel + bias)
        layers.append(np.tanh(pre[-1]) if activation == "tanh" else pre[-1])
    return pre[-1], layers[:-1], pre


def backward(
    parameters: list[Array], layers: list[Array], pre: list[Array], delta: Array, activation: str
) -> list[Array]:
    """Return the gradient of each kernel and bias."""
    found: list[Array] = []
    for layer in range(len(pre) - 1, -1, -1):
        found = [layers[layer].T @ delta, delta.sum(axis=0), *found]
        if layer:
            delta = delta @ parameters[2 * layer].T
            delta = delta * (1 - np.tanh(pre[layer - 1]) ** 2) if activation == "tanh" else delta
    return found


trained = functools.cache(task_cases.train)


@pytest.mark.parametrize("name", task_cases.CASES)
def test_updates_of_every_task_equal_the_twin(name: str) -> None:
    assert cases.relative_error(trained(name)[1], twin(name)[0]) < BOUND


def same_gradients(found: list[list[Array]]) -> bool:
    whole, *parts = found
    return all(cases.relative_error(part, whole) < 1e-10 for part in parts)


@pytest.mark.parametrize("name", task_cases.CASES)
def test_accumulation_changes_the_update_of_no_task(name: str) -> None:
    assert same_gradients(task_cases.gradients(name))


@functools.cache
def metrics_of(name: str, split: str) -> dict[str, float]:
    """Return the metrics of the twin's last weights on a split, straight from their definitions."""
    case = task_cases.CASES[name]
    weights, arrays, _ = twin(name)
    x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
    if case.kind == "tokens":
        embedding, kernel, bias = weights
        outputs = embedding[x] @ kernel + bias
    else:
        outputs = forward(weights, x, "tanh")[0]
    given = arrays.get(f"w_{split}", np.ones(y.shape if case.kind == "tokens" else len(y)))

    def mean(values: Array) -> float:
        return float(np.average(values, weights=given))

    if case.kind in ("classes", "tokens"):
        shares = np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
        losses = -np.log(np.take_along_axis(shares, y[..., None], axis=-1)[..., 0])
        right = outputs.argmax(axis=-1) == y
        found = {"loss": mean(losses), "accuracy": mean(right)}
        if case.kind == "tokens":
            found["perplexity"] = float(np.exp(mean(losses)))
        if name == "balanced":
            recalls = [np.average(right[y == c], weights=given[y == c]) for c in np.unique(y)]
            found["balanced_accuracy"] = float(np.mean(recalls))
        return found
    if case.kind in ("two", "several"):
        answers = y[:, None] if case.kind == "two" else y
        sure = 1 / (1 + np.exp(-outputs))
        losses = -np.log(np.where(answers == 1, sure, 1 - sure)).mean(axis=1)
        right = (sure > 0.5) == answers
        found = {"loss": mean(losses), "accuracy": mean(right.mean(axis=1))}
        return found if case.kind == "two" else {**found, "exact_match": mean(right.all(axis=1))}
    off = outputs - standardised(arrays, split)
    loss = off**2 if name == "squared" else np.abs(off)
    train, owns = arrays["y_train"], arrays.get("w_train")
    centre = np.average(train, axis=0, weights=owns)
    deviation = np.sqrt(np.average((train - centre) ** 2, axis=0, weights=owns))
    errors = outputs * deviation + centre - y
    spread = (y - np.average(y, axis=0, weights=given)) ** 2
    columns = range(y.shape[1])
    return {
        "loss": mean(loss.mean(axis=1)),
        "mae": float(np.mean([mean(np.abs(errors[:, c])) for c in columns])),
        "rmse": float(np.mean([np.sqrt(mean(errors[:, c] ** 2)) for c in columns])),
        "r2": float(np.mean([1 - mean(errors[:, c] ** 2) / mean(spread[:, c]) for c in columns])),
    }


@pytest.mark.parametrize("name", task_cases.CASES)
def test_metrics_of_every_task_equal_their_definitions(name: str) -> None:
    _, _, row = trained(name)
    for split in ("train", "validation", "test"):
        expected = metrics_of(name, split)
        found = {key.removeprefix(f"{split}_"): value for key, value in row.items() if key.startswith(f"{split}_")}
        assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt")
def test_jax_trains_every_task_as_the_twin_does(tmp_path: Path) -> None:
    """Initial weights are drawn otherwise under JAX, so the twin starts from those."""
    file = tmp_path / "jax.npz"
    environment = {**os.environ, "BATCHLAB_BACKEND": "jax", "BATCHLAB_DEVICE": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join(["scripts", "tests"])
    subprocess.run([sys.executable, task_cases.__file__, str(file)], env=environment, check=True, timeout=300)
    with np.load(file) as saved:
        for name in task_cases.CASES:
            parts = {
                what: [saved[f"{name}/{what}/{i}"] for i in range(len(trained(name)[0]))]
                for what in ("before", "after", *map(str, task_cases.SPLITS))
            }
            expected, _, _ = from_start(name, parts["before"])
            assert cases.relative_error(parts["after"], expected) < BOUND, name
            assert same_gradients([parts[str(k)] for k in task_cases.SPLITS]), name
