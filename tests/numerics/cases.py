"""Small data sets and settings that the tests of training and probes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend import runtime
from batchlab.backend.resident import Resident, from_arrays
from batchlab.backend.runtime import keras
from batchlab.planning.optimizer_options import OPTIMIZER_OPTIONS
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training import core, segment, state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.evaluation import Evaluation

# One thread must be chosen before TensorFlow starts, that is before any test.
runtime.configure()

EXAMPLES = 55  # 3 batches of 16 and one of 7: micro-batches of 4 leave 3


def arrays(
    examples: int = EXAMPLES, shape: tuple[int, ...] = (12,), classes: int = 3, stored: str = "float64"
) -> dict[str, NDArray[Any]]:
    """Return a data set whose classes can be learned."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(classes, *shape))
    result: dict[str, NDArray[Any]] = {"scale": np.array(1.0), "classes": np.array(classes)}
    for split, count in (("train", examples), ("validation", 11), ("test", 9)):
        labels = random.integers(0, classes, count).astype(np.int32)
        values = centres[labels] + random.normal(size=(count, *shape))
        if stored == "uint8":
            values = np.clip(128 + 40 * values, 0, 255).astype(np.uint8)
            result["scale"] = np.array(255.0)
        result |= {f"x_{split}": values, f"y_{split}": labels}
    return result


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Compute in the given precision inside the block, in single precision after it."""
    runtime.configure(name)
    try:
        yield
    finally:
        runtime.configure("float32")


MLP = {"name": "mlp", "hidden": [8, 6]}


def optimizer(name: str, **changes: Any) -> dict[str, Any]:
    """Return an optimizer's settings with every hyperparameter, as planning completes them."""
    return {"name": name, **OPTIMIZER_OPTIONS[name], **changes}


def spec(**changes: Any) -> dict[str, Any]:
    """Return a segment's settings: one epoch of plain SGD."""
    return {
        "model": MLP,
        "seeds": [3],
        "optimizer": optimizer("sgd"),
        "learning_rate": 0.1,
        "batch_size": 16,
        "accumulation": 1,
        "start": 0,
        "stop": EXAMPLES,
        **changes,
    }


def initial(data: Resident, settings: dict[str, Any]) -> state.Snapshot:
    """Return the initial weights."""
    return segment.initialise(settings, data).snapshot


def trained(data: Resident, first: state.Snapshot, **changes: Any) -> segment.Segment:
    """Train from the initial weights."""
    return segment.train(spec(**changes), data, first, first)


def longer_training(checkpoint: Checkpoint | None = None) -> segment.Segment:
    """Train two seeds for 60 epochs, long enough to be killed on the way.

    The layers are wide enough for a second thread to change the last digits.
    """
    data = resident(examples=257, shape=(300,))
    settings = spec(
        model={"name": "mlp", "hidden": [512, 64]},
        seeds=[0, 1],
        optimizer=optimizer("adam"),
        learning_rate=0.001,
        batch_size=8,
        stop=60 * 257,
    )
    start = initial(data, settings)
    return segment.train(settings, data, start, start, checkpoint)


def resident(**changes: Any) -> Resident:
    """Return a data set in memory."""
    return from_arrays(arrays(**changes), CLASSIFICATION)


def replica_of(model: Any, data: Resident) -> core.Replicas:
    """Return one replica with the model's present weights."""
    return core.replicas(model, data, state.variables_of(model))


def evaluation_of(model: Any, data: Resident, **chunks: int) -> Evaluation:
    """Return an evaluation of the model's present weights."""
    return Evaluation(replica_of(model, data), model, data, **chunks)


def losses_and_slopes(steps: Sequence[float]) -> Callable[..., Any]:
    """Return a function for `over_rows` of the loss and its slope at w + s·d for each step s along a direction d."""

    def along(at: core.Landscape, row: Any, direction: list[Any]) -> Any:
        results = []
        for step in steps:
            moved = [w + step * d for w, d in zip(at.weights, direction, strict=True)]
            slopes = [keras.ops.sum(g * d) for g, d in zip(at.gradient(row, moved), direction, strict=True)]
            results += [at.loss(row, moved), sum(slopes)]
        return keras.ops.stack(results)

    return along


def parameters(snapshot: state.Snapshot, row: int = 0) -> list[NDArray[np.float64]]:
    """Return kernels and biases of one replica of a multilayer perceptron, in order."""
    return [
        np.asarray(values[row], dtype=np.float64)
        for key, values in snapshot.arrays.items()
        if key.startswith("weights/") and key.endswith(("kernel", "bias"))
    ]


def relative_error(found: list[NDArray[Any]], expected: list[NDArray[Any]]) -> float:
    """Return ‖found − expected‖ / ‖expected‖ over all arrays."""
    error = sum(float(np.sum((a - b) ** 2)) for a, b in zip(found, expected, strict=True))
    return float(np.sqrt(error / sum(float(np.sum(b**2)) for b in expected)))
