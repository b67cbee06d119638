"""Small workloads of every task, trained by the library; run as a script, under the core that the environment chooses.

`python task_cases.py FILE` writes gradients and metrics of each of `CASES`, and what training makes of some, to `FILE`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numerics import cases
from numpy.typing import NDArray

from batchlab.backend import runtime
from batchlab.backend.resident import Resident, from_arrays
from batchlab.models.construction import build_model
from batchlab.training.current_task import task_of

Arrays = dict[str, NDArray[Any]]
Weights = list[NDArray[np.float64]]

EPOCHS, RATE = 2, 0.1
# Accumulations K of a batch of 16 examples, and the examples of one.
SPLITS, UPDATE = (1, 4, 16), np.arange(20, 36, dtype=np.int32)
LENGTH, TOKENS = 5, 4

# Logits of the next token from the present one, without a bias in the embedding.
BIGRAM = """
import keras

def build(input_shape, classes):
    return keras.Sequential([
        keras.Input(input_shape, dtype="int32"),
        keras.layers.Embedding(classes, 6, name="first"),
        keras.layers.Dense(classes, name="logits"),
    ], name="bigram")
"""


@dataclass(frozen=True)
class Case:
    """A task with its options, its data, and whether these have weights."""

    task: dict[str, Any]
    kind: str
    weighted: bool = False
    model: dict[str, Any] = field(default_factory=lambda: {"name": "mlp", "hidden": [8]})


CASES = {
    "weights": Case({"name": "classification"}, "classes", weighted=True),
    "balanced": Case(
        {"name": "classification", "class_weights": "balanced", "metrics": ["balanced_accuracy"]}, "classes", True
    ),
    "named": Case({"name": "classification", "class_weights": {"b": 3.0}}, "classes"),
    "binary": Case({"name": "binary"}, "two"),
    "multilabel": Case({"name": "multilabel"}, "several", weighted=True),
    "balanced_labels": Case({"name": "multilabel", "class_weights": "balanced"}, "several", weighted=True),
    "named_labels": Case({"name": "multilabel", "class_weights": {"b": 3.0}}, "several"),
    "squared": Case({"name": "regression"}, "numbers", weighted=True),
    "absolute": Case({"name": "regression", "loss": "absolute"}, "numbers"),
    "tokens": Case({"name": "next_token"}, "tokens", model={"file": "bigram.py"}),
    "masked": Case({"name": "next_token"}, "tokens", weighted=True, model={"file": "bigram.py"}),
}


def arrays(case: Case) -> Arrays:
    """Return the prepared data set of a case."""
    random = np.random.default_rng(5)
    found = cases.arrays(classes=2 if case.kind == "two" else 3)
    for split in ("train", "validation", "test"):
        x, count = found[f"x_{split}"], len(found[f"y_{split}"])
        if case.kind == "several":
            found[f"y_{split}"] = (x[:, :3] + 0.3 * random.normal(size=(count, 3)) > 0.2).astype(np.int32)
        if case.kind == "numbers":
            noise = random.normal(size=(count, 2))
            found[f"y_{split}"] = np.array([2000.0, 0.03]) * (x[:, :2] + x[:, 2:4] ** 2 + noise) + 500.0
        if case.kind == "tokens":
            whole = random.integers(0, TOKENS, (count, LENGTH + 1)).astype(np.int32)
            found |= {f"x_{split}": whole[:, :-1], f"y_{split}": whole[:, 1:]}
            found["classes"] = np.array(TOKENS)
        if case.weighted:
            weights = random.uniform(0.2, 3.0, count)
            if case.kind == "tokens":  # sequences of 0 to LENGTH tokens: whole micro-batches of one may be empty
                weights = (np.arange(LENGTH) < random.integers(0, LENGTH + 1, (count, 1))).astype(float)
            found[f"w_{split}"] = weights
    return {**found, "names": np.array(["a", "b", "c"])}


# Those that are trained for two epochs of compiled updates.
TRAINED = ("balanced", "masked")


@contextmanager
def workload(name: str) -> Iterator[tuple[Resident, dict[str, Any]]]:
    """Give the data set of a case and the settings of its model, in double precision."""
    case = CASES[name]
    with cases.precision("float64"), tempfile.TemporaryDirectory() as folder:
        model = dict(case.model)
        if "file" in model:
            model["file"] = str(Path(folder, model["file"]))
            Path(model["file"]).write_text(BIGRAM)
        yield from_arrays(arrays(case), task_of({"task": case.task})), model


def train(name: str) -> tuple[Weights, Weights]:
    """Return the weights of a case before and after training."""
    with workload(name) as (data, model):
        changes = {"model": model, "optimizer": cases.optimizer("sgd", momentum=0.9), "learning_rate": RATE}
        start = cases.initial(data, cases.spec(**changes))
        end = cases.trained(data, start, accumulation=4, stop=EPOCHS * cases.EXAMPLES, **changes)
    return _weights(start.arrays), _weights(end.snapshot.arrays)


def _weights(arrays: Arrays) -> Weights:
    return [values[0] for key, values in arrays.items() if key.startswith("weights/")]


def measure(name: str) -> tuple[Weights, list[Weights], dict[str, float]]:
    """Return weights of a case, the gradient of an update at them with each of `SPLITS`, and the metrics."""
    with workload(name) as (data, settings):
        model = build_model(settings, data.shape, data.output_shape, seed=1)
        weights = [np.asarray(variable.value) for variable in model.trainable_variables]
        gradients = [[np.asarray(part) for part in gradient(model, data, UPDATE, 16 // k)] for k in SPLITS]
        [metrics] = cases.evaluation_of(model, data).at_present()
    return weights, gradients, metrics


def gradient(model: Any, data: Resident, rows: NDArray[np.int32], micro: int) -> list[Any]:
    """Return what an update passes to the optimizer; it is not compiled as a whole."""
    if runtime.NAME == "jax":
        from batchlab.jax_core import functional

        program, stored = functional.Program(model, data), functional.Stored(data.x, data.y, data.weights)
        weights = functional.present_values(model)
        _, (_, sums) = functional.accumulated(program, stored, *weights, rows, micro)
        return [part / functional.divisor(program, stored, rows) for part in sums]
    from batchlab.tensorflow_core import tapes

    _, sums = tapes.accumulated(model, data, runtime.tf.constant(rows), micro)
    return [part / tapes.divisor(data, rows) for part in sums]


if __name__ == "__main__":
    saved: Arrays = {}
    for name in sys.argv[2:]:
        weights, gradients, metrics = measure(name)
        found = {"weights": weights, **dict(zip(map(str, SPLITS), gradients, strict=True))}
        if name in TRAINED:
            found |= dict(zip(("before", "after"), train(name), strict=True))
        saved |= {f"{name}/{what}/{i}": part for what, parts in found.items() for i, part in enumerate(parts)}
        saved |= {f"{name}/metrics/{key}": np.array(value) for key, value in metrics.items()}
    np.savez(sys.argv[1], **saved)  # type: ignore[arg-type]
