"""Where all contenders of a case start: layers, weights and outputs of one model, in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.errors import BatchlabError
from batchlab.files import atomic_path

# Examples whose outputs are compared before training.
CHECKED = 64
# A convolution adds up some hundred products in another order.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Start:
    """One model, without the library that made it.

    Attributes:
        layers: Class and settings of each layer after the inputs, as Keras gives them; they follow one another.
        weights: Their weights in order.
        logits: Outputs of the first training examples in inference.
    """

    layers: list[dict[str, Any]]
    weights: list[NDArray[Any]]
    logits: NDArray[Any]


def write(path: Path, model: Any, inputs: NDArray[np.float32]) -> None:
    """Write the start of a case.

    Args:
        path: The file.
        model: The Keras model.
        inputs: The first training examples.
    """
    layers = []
    for layer in model.layers:
        kind, config = type(layer).__name__, layer.get_config()
        if kind == "GhostBatchNormalization" and config.pop("ghost_batch") is None:
            kind = "BatchNormalization"
        if kind != "InputLayer":
            layers.append({"kind": kind, "config": config})
    weights = {f"weights_{number:03}": weights for number, weights in enumerate(model.get_weights())}
    with atomic_path(path) as temporary:
        np.savez(temporary, layers=json.dumps(layers), logits=np.asarray(model(inputs, training=False)), **weights)


def read(path: Path) -> Start:
    """Return the start of a case."""
    with np.load(path, allow_pickle=False) as file:
        weights = [file[name] for name in sorted(file.files) if name.startswith("weights_")]
        return Start(json.loads(str(file["layers"])), weights, file["logits"])


def check(contender: str, logits: NDArray[Any], start: Start) -> None:
    """Raise unless a contender's model gives the outputs of the start."""
    largest = float(np.max(np.abs(logits - start.logits)))
    if not largest <= TOLERANCE:
        raise BatchlabError(
            f"benchmark: the model of {contender} starts with outputs up to {largest:.2g} apart from ours: not the "
            "same work, so no times are compared"
        )
