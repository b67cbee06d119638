"""A plain PyTorch loop: the data resident as tensors, no `DataLoader`, one slice for each batch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.contenders import Data, UnableError, start

nn = torch.nn
_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


# With small batches one thread is up to twice as fast as two, so each case is tried with one and with all of them.
_THREADS = {1}
_TRIED = 100  # updates


def configure(threads: int) -> None:
    """Let PyTorch have up to so many threads."""
    _THREADS.add(threads)


def _images_first(inputs: NDArray[np.float32], layers: list[dict[str, Any]]) -> Any:
    """Return inputs as a tensor; images that Keras reshapes to (height, width, channels) have channels first here."""
    if layers[0]["kind"] != "Reshape":
        return torch.from_numpy(inputs)
    shaped = inputs.reshape(len(inputs), *layers[0]["config"]["target_shape"])
    return torch.from_numpy(np.ascontiguousarray(shaped.transpose(0, 3, 1, 2)))


def _filled(module: Any, **weights: NDArray[Any]) -> Any:
    """Return a module with these weights."""
    with torch.no_grad():
        for name, values in weights.items():
            getattr(module, name).copy_(torch.from_numpy(np.ascontiguousarray(values)))
    return module


def _dense(config: dict[str, Any], weights: Iterator[NDArray[Any]], rows: NDArray[Any] | None) -> Any:
    """Return a dense layer; `rows` are the rows of Keras' kernel in the order of PyTorch's flattened images."""
    kernel = next(weights)
    kernel = kernel if rows is None else kernel[rows]
    bias = {"bias": next(weights)} if config["use_bias"] else {}
    return _filled(nn.Linear(*kernel.shape, bias=bool(bias)), weight=kernel.T, **bias)


def _convolution(config: dict[str, Any], weights: Iterator[NDArray[Any]]) -> Any:
    kernel = next(weights).transpose(3, 2, 0, 1)
    bias = {"bias": next(weights)} if config["use_bias"] else {}
    outputs, inputs, *size = kernel.shape
    module = nn.Conv2d(inputs, outputs, tuple(size), padding=config["padding"], bias=bool(bias))
    return _filled(module, weight=kernel, **bias)


def _normalisation(config: dict[str, Any], weights: Iterator[NDArray[Any]]) -> Any:
    gamma, beta, mean, variance = (next(weights) for _ in range(4))
    module = nn.BatchNorm1d(len(gamma), eps=config["epsilon"], momentum=1 - config["momentum"])
    return _filled(module, weight=gamma, bias=beta, running_mean=mean, running_var=variance)


def _pooling(kind: str, config: dict[str, Any]) -> Any:
    # Keras' "same" pads at the end and leaves what it padded out of the average.
    whole = {"ceil_mode": config["padding"] == "same"}
    size = tuple(config["pool_size"])
    return nn.MaxPool2d(size, **whole) if kind == "MaxPooling2D" else nn.AvgPool2d(size, **whole)


def network(begin: start.Start, example: Any) -> Any:
    """Return the model of a start as PyTorch's layers.

    Args:
        begin: Layers and weights.
        example: Inputs of a few examples, channels first.
    """
    weights = iter(begin.weights)
    modules: list[Any] = []
    rows: NDArray[Any] | None = None

    def add(module: Any) -> None:
        nonlocal example
        modules.append(module)
        with torch.no_grad():
            example = module.eval()(example)

    for layer in begin.layers:
        kind, config = layer["kind"], layer["config"]
        if kind == "Flatten":
            if begin.layers[0]["kind"] == "Reshape":
                channels, height, width = example.shape[1:]
                rows = np.arange(channels * height * width).reshape(height, width, channels).transpose(2, 0, 1).ravel()
            add(nn.Flatten())
        elif kind == "Dense":
            add(_dense(config, weights, rows))
            rows = None
        elif kind == "Conv2D":
            add(_convolution(config, weights))
        elif kind == "BatchNormalization":
            add(_normalisation(config, weights))
        elif kind in ("MaxPooling2D", "AveragePooling2D"):
            add(_pooling(kind, config))
        if (activation := config.get("activation", "linear")) != "linear":
            add(_ACTIVATIONS[activation]())
    return nn.Sequential(*modules)


class Loop:
    """A model of PyTorch's layers and its optimizer.

    Args:
        spec: `batch_size`, `learning_rate`.
        data: What it trains on.
        begin: Layers and weights.
    """

    def __init__(self, spec: dict[str, Any], data: Data, begin: start.Start) -> None:
        self._layers = begin.layers
        inputs, labels = data.in_order()
        self._x, self._y = _images_first(inputs, self._layers), torch.from_numpy(labels).long()
        self._batch_size = spec["batch_size"]
        self._model = network(begin, self._x[:2])
        normalises = any(isinstance(module, nn.BatchNorm1d) for module in self._model)
        if normalises and 1 in (self._batch_size, len(self._y) % self._batch_size):
            raise UnableError("PyTorch refuses to normalise a batch of one example")
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=spec["learning_rate"])
        self._threads = 1
        self._initial = {name: values.clone() for name, values in self._model.state_dict().items()}

        self._threads = min(sorted(_THREADS), key=self._seconds)

    def _seconds(self, threads: int) -> float:
        """Return the seconds of a few updates with so many threads."""
        torch.set_num_threads(threads)
        clock = time.perf_counter()
        self._train(min(len(self._y), _TRIED * self._batch_size))
        seconds = time.perf_counter() - clock
        self.reset()
        return seconds

    def reset(self) -> None:
        """Go back to the initial state."""
        self._model.load_state_dict(self._initial)

    def epoch(self) -> float:
        """Train one epoch."""
        torch.set_num_threads(self._threads)
        clock = time.perf_counter()
        self._train(len(self._y))
        return time.perf_counter() - clock

    def _train(self, examples: int) -> None:
        self._model.train()
        cross_entropy = nn.functional.cross_entropy
        for first in range(0, examples, self._batch_size):
            batch = slice(first, first + self._batch_size)
            self._optimizer.zero_grad()
            cross_entropy(self._model(self._x[batch]), self._y[batch]).backward()
            self._optimizer.step()

    def logits(self, inputs: NDArray[np.float32], training: bool) -> NDArray[Any]:
        """Return the model's outputs."""
        with torch.no_grad():
            outputs: NDArray[Any] = self._model.train(training)(_images_first(inputs, self._layers)).numpy()
        return outputs


def prepare(name: str, spec: dict[str, Any], data: Data, path: Path) -> Loop:
    """Return the contender for one case."""
    return Loop(spec, data, start.read(path))
