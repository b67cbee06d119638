"""Ways to train one epoch, one module each, behind the same calls.

All start from the same weights, see the same examples in the same order, keep the ragged last batch and use plain SGD.
Each module is imported by the process of its contender alone, so that no library pays for another one.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from batchlab.training.order import permutation
from benchmarks import OURS, TORCH


class UnableError(Exception):
    """A contender cannot train this model with this batch size at all; the message says why."""


@dataclass(frozen=True)
class Data:
    """The training examples of a case.

    Attributes:
        x: Inputs as stored, shape (examples, …); divided by `scale` they are the model's inputs.
        y: Labels, int32.
        scale: See `x`.
        classes: Number of classes.
    """

    x: NDArray[Any]
    y: NDArray[np.int32]
    scale: float
    classes: int

    def inputs(self, rows: Any) -> NDArray[np.float32]:
        """Return model inputs of some examples."""
        return self.x[rows].astype(np.float32) / np.float32(self.scale)

    def in_order(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Return inputs and labels as an epoch sees them, so that peers need not shuffle on the clock."""
        order = permutation(0, 0, len(self.y))
        return self.inputs(order), self.y[order]


def read(path: str, examples: int) -> Data:
    """Return the first so many examples of a file with `x`, `y`, `scale` and `classes`."""
    with np.load(path, allow_pickle=False) as file:
        return Data(file["x"][:examples], file["y"][:examples], float(file["scale"]), int(file["classes"]))


class Contender(Protocol):
    """One way to train, prepared for one model and one batch size."""

    def reset(self) -> None:
        """Go back to the initial state."""

    def epoch(self) -> float:
        """Train one epoch and return its seconds."""

    def logits(self, inputs: NDArray[np.float32], training: bool) -> NDArray[Any]:
        """Return the outputs at the present weights; in training, layers normalise by statistics of these inputs."""


class Way(Protocol):
    """What each module of this package offers."""

    def configure(self, threads: int) -> None:
        """Prepare the library for so many threads, once."""

    def prepare(self, name: str, spec: dict[str, Any], data: Data, start: Path) -> Contender:
        """Return the contender for one case.

        Args:
            name: The contender.
            spec: `model`, `batch_size`, `learning_rate`.
            data: What it trains on.
            start: File that `OURS` writes and the others read; see `start`.

        Raises:
            UnableError: It cannot train this.
        """


def way(name: str) -> Way:
    """Return the module of a contender."""
    module: Any = importlib.import_module(f"{__name__}.{ {OURS: 'ours', TORCH: 'torch_loop'}.get(name, 'fit') }")
    return module
