"""An independent twin of the training core: a multilayer perceptron in float64 NumPy, written out by hand.

It shares nothing with the library but the order of the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.training.order import trial_batches

Array = NDArray[np.float64]
Parameters = list[Array]  # kernel, bias, kernel, bias, …

ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0.0).astype(np.float64)),
    "tanh": (np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
}


def forward(parameters: Parameters, x: Array, activation: str) -> tuple[Array, list[Array], list[Array]]:
    """Return logits, the input of every layer, and every pre-activation."""
    function, _ = ACTIVATIONS[activation]
    inputs, pre = [x], []
    for kernel, bias in zip(parameters[::2], parameters[1::2], strict=True):
        pre.append(inputs[-1] @ kernel + bias)
        inputs.append(function(pre[-1]))
    return pre[-1], inputs[:-1], pre


def losses(logits: Array, labels: NDArray[Any]) -> Array:
    """Return −log softmax(logits)[label] of each example."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def gradient_sum(parameters: Parameters, x: Array, labels: NDArray[Any], activation: str) -> Parameters:
    """Return the gradient of the summed losses by backpropagation."""
    _, derivative = ACTIVATIONS[activation]
    logits, inputs, pre = forward(parameters, x, activation)
    delta = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta /= delta.sum(axis=1, keepdims=True)
    delta[np.arange(len(labels)), labels] -= 1.0
    gradients: Parameters = []
    for layer in range(len(pre) - 1, -1, -1):
        gradients = [inputs[layer].T @ delta, delta.sum(axis=0), *gradients]
        if layer:
            delta = (delta @ parameters[2 * layer].T) * derivative(pre[layer - 1])
    return gradients


def norm(gradients: Parameters) -> float:
    """Return the Euclidean norm over all arrays."""
    return float(np.sqrt(sum(np.sum(gradient**2) for gradient in gradients)))


def batch_gradient(parameters: Parameters, x: Array, labels: NDArray[Any]) -> Parameters:
    """Return the summed gradient of a batch, example by example."""
    total = [np.zeros_like(p) for p in parameters]
    for example in range(len(labels)):
        gradients = gradient_sum(parameters, x[example, None], labels[example, None], "relu")
        total = [t + g for t, g in zip(total, gradients, strict=True)]
    return total


def trial_gradient(
    row: Mapping[str, Any], parameters: Parameters, x: Array, labels: NDArray[Any], trials: int, samples: int
) -> Parameters:
    """Return the summed gradient behind a row of the probe `gradient_norms`; the path's learning rate is 0.1."""
    size = row["batch_size"]
    drawn = size if row["method"] == "fixed_weights" else samples
    examples = trial_batches(row["seed"], row["method"], size, trials, drawn, len(x))[row["trial"]]
    total = [np.zeros_like(p) for p in parameters]
    for batch in examples.reshape(-1, size):
        gradients = batch_gradient(parameters, x[batch], labels[batch])
        total = [t + g for t, g in zip(total, gradients, strict=True)]
        parameters = [p - 0.1 * g / size for p, g in zip(parameters, gradients, strict=True)]
    return total


def moments(parameters: Parameters, x: Array, labels: NDArray[Any]) -> tuple[float, float]:
    """Return ‖G‖² and tr Σ of the single gradients."""
    single = np.array(
        [
            np.concatenate([g.ravel() for g in batch_gradient(parameters, x[example, None], labels[example, None])])
            for example in range(len(labels))
        ]
    )
    return float(np.sum(single.mean(axis=0) ** 2)), float(np.trace(np.cov(single.T, bias=True)))


def losses_and_slopes(
    parameters: Parameters, direction: Parameters, steps: list[float], x: Array, labels: NDArray[Any]
) -> list[float]:
    """Return the summed loss and its slope at w + s·d for each step s along the direction d."""
    found = []
    for step in steps:
        moved = [w + step * d for w, d in zip(parameters, direction, strict=True)]
        gradients = gradient_sum(moved, x, labels, "relu")
        found.append(float(losses(forward(moved, x, "relu")[0], labels).sum()))
        found.append(sum(float(np.sum(g * d)) for g, d in zip(gradients, direction, strict=True)))
    return found


class SGD:
    """v ← μ v − η g; w ← w + v, with Nesterov w ← w + μ v − η g."""

    def __init__(self, learning_rate: float, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.learning_rate, self.momentum, self.nesterov = learning_rate, momentum, nesterov
        self.velocity: Parameters | None = None

    def step(self, parameters: Parameters, gradients: Parameters) -> Parameters:
        if self.velocity is None:
            self.velocity = [np.zeros_like(p) for p in parameters]
        moves = [-self.learning_rate * g for g in gradients]
        self.velocity = [self.momentum * v + move for v, move in zip(self.velocity, moves, strict=True)]
        if self.nesterov:
            moves = [self.momentum * v + move for v, move in zip(self.velocity, moves, strict=True)]
            return [p + move for p, move in zip(parameters, moves, strict=True)]
        return [p + v for p, v in zip(parameters, self.velocity, strict=True)]


class Adam:
    """Kingma & Ba 2015, algorithm 1 in the form of section 2 (ε outside the bias correction), as Keras documents it."""

    def __init__(self, learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> None:
        self.learning_rate, self.beta_1, self.beta_2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.steps = 0
        self.first: Parameters = []
        self.second: Parameters = []

    def step(self, parameters: Parameters, gradients: Parameters) -> Parameters:
        if not self.steps:
            self.first, self.second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
        self.steps += 1
        self.first = [self.beta_1 * m + (1 - self.beta_1) * g for m, g in zip(self.first, gradients, strict=True)]
        self.second = [self.beta_2 * v + (1 - self.beta_2) * g * g for v, g in zip(self.second, gradients, strict=True)]
        rate = self.learning_rate * np.sqrt(1 - self.beta_2**self.steps) / (1 - self.beta_1**self.steps)
        return [
            p - rate * m / (np.sqrt(v) + self.epsilon)
            for p, m, v in zip(parameters, self.first, self.second, strict=True)
        ]


def train(
    parameters: Parameters,
    optimizer: SGD | Adam,
    x: Array,
    labels: NDArray[Any],
    orders: list[NDArray[Any]],
    batch_size: int,
    activation: str,
) -> Parameters:
    """Train one epoch per order; every batch's gradient is the mean over its true number of examples."""
    for order in orders:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            gradients = gradient_sum(parameters, x[batch], labels[batch], activation)
            parameters = optimizer.step(parameters, [g / len(batch) for g in gradients])
    return parameters
