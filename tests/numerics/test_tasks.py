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
from slow import slow_but

from batchlab.backend.resident import from_arrays
from batchlab.backend.runtime import tf
from batchlab.declarations import find
from batchlab.declarations.task import chosen
from batchlab.models.construction import build_model
from batchlab.tensorflow_core.tapes import accumulated
from batchlab.training import order
from batchlab.training.current_task import task_of

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
    "several": sigmoid,
    "squared": lambda outputs, targets: (outputs - targets) * 2 / 2,
    "absolute": lambda outputs, targets: np.sign(outputs - targets) / 2,
    "tokens": softmax,
}


@functools.cache
def problem(name: str) -> tuple[Array, Array, Array]:
    """Return inputs, targets as they are learnt, and weights of the training examples: a row for each token."""
    case = task_cases.CASES[name]
    arrays = task_cases.arrays(case)
    x, y = arrays["x_train"], arrays["y_train"]
    y = standardised(arrays, "train") if case.kind == "numbers" else y
    weights = arrays.get("w_train", np.ones(y.shape if case.kind == "tokens" else len(y)))
    if name == "balanced":
        of_class = np.array([weights[y == label].sum() for label in range(3)])
        weights = weights * (weights.sum() / 3 / of_class)[y]
    if case.kind == "several":  # one for each answer
        weights = np.repeat(weights[:, None], y.shape[1], axis=1)
    if name == "balanced_labels":
        for label, total in enumerate(weights.sum(axis=0)):
            for answer in (0, 1):
                alike = y[:, label] == answer
                weights[alike, label] *= total / 2 / weights[alike, label].sum()
    if name == "named_labels":
        weights[:, 1] *= np.where(y[:, 1] == 1, 3.0, 1.0)
    if name == "named":
        weights = weights * np.where(y == 1, 3.0, 1.0)
    return (np.eye(task_cases.TOKENS)[x] if case.kind == "tokens" else x), y, weights


def gradient(name: str, parameters: list[Array], rows: NDArray[Any]) -> list[Array]:
    """Return Σ w ∇ℓ / Σ w over the examples or tokens of some rows."""
    case = task_cases.CASES[name]
    slope = SLOPES[name if case.kind == "numbers" else case.kind]
    x, y, weights = (each[rows] for each in problem(name))
    if case.kind != "tokens":
        outputs, layers, pre = forward(parameters, x, "relu")
        shaped = weights.reshape(len(x), -1)
        return backward(parameters, layers, pre, slope(outputs, y) * shaped / weights.sum(), "relu")
    # The embedding is a kernel of one-hot inputs, without a bias.
    x, y, weights = x.reshape(-1, x.shape[-1]), y.ravel(), weights.ravel()
    whole = [parameters[0], np.zeros(parameters[0].shape[1]), *parameters[1:]]
    outputs, layers, pre = forward(whole, x, "none")
    found = backward(whole, layers, pre, slope(outputs, y) * weights[:, None] / weights.sum(), "none")
    return [found[0], *found[2:]]


def after_training(name: str, parameters: list[Array]) -> list[Array]:
    """Return the weights after two epochs of batches of 16, the last one of an epoch of 7."""
    sgd = reference.SGD(task_cases.RATE, 0.9)
    for epoch in range(task_cases.EPOCHS):
        shuffled = order.permutation(3, epoch, cases.EXAMPLES)
        for first in range(0, cases.EXAMPLES, 16):
            parameters = sgd.step(parameters, gradient(name, parameters, shuffled[first : first + 16]))
    return parameters


def forward(parameters: list[Array], x: Array, activation: str) -> tuple[Array, list[Array], list[Array]]:
    """Return outputs, the input of each layer, and each pre-activation."""
    layers, pre = [x], []
    for kernel, bias in zip(parameters[::2], parameters[1::2], strict=True):
        pre.append(layers[-1] @ kernel + bias)
        layers.append(np.maximum(pre[-1], 0) if activation == "relu" else pre[-1])
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
            delta = delta * (pre[layer - 1] > 0) if activation == "relu" else delta
    return found


def metrics_of(name: str, split: str, weights: list[Array]) -> dict[str, float]:
    """Return the metrics on a split, straight from their definitions."""
    case = task_cases.CASES[name]
    arrays = task_cases.arrays(case)
    x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
    if case.kind == "tokens":
        embedding, kernel, bias = weights
        outputs = embedding[x] @ kernel + bias
    else:
        outputs = forward(weights, x, "relu")[0]
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


def check(name: str, weights: list[Array], gradients: list[list[Array]], metrics: dict[str, float]) -> None:
    whole, *parts = gradients
    assert cases.relative_error(whole, gradient(name, weights, task_cases.UPDATE)) < BOUND, name
    for part in parts:
        assert cases.relative_error(part, whole) < 1e-10, name
    for split in ("train", "validation", "test"):
        found = {key.removeprefix(f"{split}_"): value for key, value in metrics.items() if key.startswith(f"{split}_")}
        assert found == pytest.approx(metrics_of(name, split, weights), rel=1e-9), name


def test_metrics_are_those_that_tasks_declare() -> None:
    assert {case.task["name"] for case in task_cases.CASES.values()} == find.tasks().keys()
    for case in task_cases.CASES.values():
        of_task = chosen(find.tasks(), case.task)
        assert task_of({"task": case.task}).metrics == tuple(metric.name for metric in of_task.metrics)


@pytest.mark.parametrize("name", task_cases.CASES)
def test_updates_and_metrics_of_every_task_equal_the_twin_whatever_the_accumulation(name: str) -> None:
    check(name, *task_cases.measure(name))


@pytest.mark.parametrize("name", task_cases.TRAINED)
def test_training_with_weights_equals_the_twin(name: str) -> None:
    before, after = task_cases.train(name)
    assert cases.relative_error(after, after_training(name, before)) < BOUND


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt")
@pytest.mark.parametrize("names", slow_but([("balanced", "squared"), tuple(task_cases.CASES)], ("balanced", "squared")))
def test_jax_learns_every_task_as_the_twin_does(names: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "jax.npz"
    environment = {**os.environ, "BATCHLAB_BACKEND": "jax", "BATCHLAB_DEVICE": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join(["scripts", "tests"])
    subprocess.run([sys.executable, task_cases.__file__, str(file), *names], env=environment, check=True, timeout=900)
    with np.load(file) as arrays:
        saved = dict(arrays)
    for name in names:
        metrics = {key.rpartition("/")[2]: float(saved[key]) for key in saved if key.startswith(f"{name}/metrics/")}
        check(
            name, listed(saved, f"{name}/weights"), [listed(saved, f"{name}/{k}") for k in task_cases.SPLITS], metrics
        )
    for name in set(names) & set(task_cases.TRAINED):
        expected = after_training(name, listed(saved, f"{name}/before"))
        assert cases.relative_error(listed(saved, f"{name}/after"), expected) < BOUND, name


def listed(saved: task_cases.Arrays, what: str) -> list[Array]:
    """Return the saved arrays of one name in order."""
    return [saved[f"{what}/{i}"] for i in range(sum(key.startswith(f"{what}/") for key in saved))]


def test_a_transformer_learns_tokens_and_sees_none_that_come_later() -> None:
    model = {"name": "transformer", "width": 8, "heads": 2, "blocks": 1}
    with cases.precision("float64"):
        data = from_arrays(task_cases.arrays(task_cases.CASES["masked"]), task_of({"task": {"name": "next_token"}}))
        built = build_model(model, data.shape, data.output_shape, seed=1)
        tokens = np.array([[0, 1, 2, 3, 0], [0, 1, 2, 1, 1]], np.int32)
        one, other = np.asarray(built(tokens))
        whole, parts = (
            [np.asarray(part) / 16 for part in accumulated(built, data, tf.constant(task_cases.UPDATE), micro)[1]]
            for micro in (16, 4)
        )
    np.testing.assert_array_equal(one[:3], other[:3])
    assert np.abs(one[3] - other[3]).max() > 1e-6
    assert cases.relative_error(parts, whole) < 1e-10
