"""A process that computes on one device for `benchmarks.gpu`: one line of JSON in, one line out.

Which device, and with which flags, the environment says; so each combination is a process of its own.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchlab.backend import resident, runtime
from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError, one_line
from batchlab.models.construction import build_model
from batchlab.tasks.classification.objective import CLASSIFICATION
from batchlab.training import segment, state
from batchlab.training.core import Landscape, over_rows
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.loss_surface import LossSurface
from batchlab.training.order import permutation
from batchlab.training.trainer import Trainer

jax = runtime.jax
# An epoch is timed so often, and the least is told: what else a machine does only adds.
_REPEATS = 3


@functools.cache
def arrays(examples: int) -> dict[str, NDArray[Any]]:
    """Return images of noise of MNIST's shape; ten classes that can be told apart by a brighter row each."""
    draw = np.random.default_rng(0)
    found: dict[str, NDArray[Any]] = {"scale": np.array(255.0), "classes": np.array(10)}
    for split, count in (("train", examples), ("validation", 100), ("test", 100)):
        y = draw.integers(0, 10, count)
        x = draw.integers(0, 200, (count, 28, 28, 1), dtype=np.uint8)
        x[np.arange(count), 2 * y + 4] += 50
        found |= {f"x_{split}": x, f"y_{split}": y}
    return found


def _memory() -> float:
    """Return the largest number of bytes in use on the device so far, in MiB; 0 where it does not say."""
    return float((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)) / 2**20


def facts() -> dict[str, Any]:
    """Return device, versions and flags."""
    device = jax.devices()[0]
    return {
        "card": device.device_kind,
        "keras": keras.__version__,
        **runtime.configure(),
    }


def epoch(model: dict[str, Any], batch_size: int, replicas: int, examples: int) -> dict[str, Any]:
    """Train replicas side by side through some examples; loss of the first one, seconds, memory."""
    seeds = list(range(replicas))
    spec: dict[str, Any] = {"model": model, "batch_size": batch_size, "accumulation": 1, "learning_rate": 0.01}
    spec |= {"optimizer": {"name": "sgd"}, "seeds": seeds}
    data = resident.from_arrays(arrays(examples), CLASSIFICATION)
    # Many replicas may begin from the same weights: no time depends on it.
    drawn = segment.initialise({**spec, "seeds": [0]}, data).snapshot
    weights, position = drawn.replica(0)
    initial = state.stack(seeds, [weights] * replicas, [position] * replicas)
    trainer = Trainer(spec, data)
    clock, seconds, losses = time.perf_counter(), list[float](), list[float]()
    for repeat in range(_REPEATS + 1):
        took, losses = 0.0, []
        for group in trainer.replicas.groups(seeds):
            trainer.load(initial, group)
            found, part = trainer.run(trainer.orders(group, 0), 0, data.examples)
            losses += found
            took += part
        if repeat == 0:
            first = time.perf_counter() - clock
        else:
            seconds.append(took)
    return {"seconds": min(seconds), "first": first, "loss": losses[0] / examples, "memory_mb": _memory()}


def fit(model: dict[str, Any], batch_size: int, replicas: int, examples: int) -> dict[str, Any]:
    """Train the same model on the same examples in the same order with Keras' `fit`."""
    assert replicas == 1
    data, found = resident.from_arrays(arrays(examples), CLASSIFICATION), arrays(examples)
    order = permutation(0, 0, examples)
    x, y = found["x_train"][order].astype(np.float32) / 255, found["y_train"][order]
    built = build_model(model, data.shape, data.output_shape, seed=0)
    built.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = built.get_weights()
    clock, seconds, loss = time.perf_counter(), list[float](), 0.0
    for repeat in range(_REPEATS + 1):
        built.set_weights(weights)
        begin = time.perf_counter()
        history = built.fit(x, y, batch_size=batch_size, epochs=1, shuffle=False, verbose=0)
        seconds.append(time.perf_counter() - begin)
        loss = float(history.history["loss"][-1])
        if repeat == 0:
            first = time.perf_counter() - clock
    return {"seconds": min(seconds[1:]), "first": first, "loss": loss, "memory_mb": _memory()}


def norms(model: dict[str, Any], batch_size: int, replicas: int, examples: int) -> dict[str, Any]:
    """Take squared norms of the gradients of batches side by side, as many batches as the examples make."""
    assert replicas == 1
    data = resident.from_arrays(arrays(examples), CLASSIFICATION)
    spec = {"model": model, "seeds": [0]}
    frozen = FrozenModel(model, data)
    frozen.load(segment.initialise(spec, data).snapshot, 0)

    def row(at: Landscape, rows: Any) -> Any:
        return at.squared_norms(at.gradient(rows))

    compiled = over_rows(frozen.replicas, row, len(frozen.trainable))
    batches = np.arange(examples // batch_size * batch_size, dtype=np.int32).reshape(-1, batch_size)
    clock = time.perf_counter()
    values = compiled(batches)
    first, seconds = time.perf_counter() - clock, []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        compiled(batches)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": min(seconds), "first": first, "loss": float(values.sum()), "memory_mb": _memory()}


def sharpness(model: dict[str, Any], batch_size: int, replicas: int, examples: int) -> dict[str, Any]:
    """Multiply the loss' Hessian over some examples ten times with a vector, as the search for sharpness does."""
    assert replicas == 1
    data = resident.from_arrays(arrays(examples), CLASSIFICATION)
    surface = LossSurface(FrozenModel(model, data), data, examples)
    surface.load(segment.initialise({"model": model, "seeds": [0]}, data).snapshot, 0)
    start = np.random.default_rng(0).standard_normal(surface.origin.size)
    surface.take(surface.origin)
    clock = time.perf_counter()
    surface.hessian_product(start)
    first, seconds, found = time.perf_counter() - clock, list[float](), 0.0
    for _ in range(_REPEATS):
        begin, direction = time.perf_counter(), start
        for _ in range(10):
            direction = direction / np.linalg.norm(direction)
            product = surface.hessian_product(direction)
            found, direction = float(direction @ product), product
        seconds.append(time.perf_counter() - begin)
    return {"seconds": min(seconds), "first": first, "loss": found, "memory_mb": _memory()}


def products(size: int) -> dict[str, Any]:
    """Return the device's rate of float32 matrix products, in operations a second: the best of several."""
    factor = jax.random.normal(jax.random.key(0), (size, size))
    product = jax.jit(lambda matrix: matrix @ matrix)
    product(factor).block_until_ready()
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        product(factor).block_until_ready()
        best = min(best, time.perf_counter() - begin)
    return {"rate": 2 * size**3 / best}


def max_pooling() -> dict[str, Any]:
    """Return whether the gradient of max pooling compiles with this process' flags; if not, what XLA says."""
    pooling = keras.layers.MaxPooling2D(2)
    pooling.build((4, 8, 8, 3))
    gradient = jax.jit(jax.grad(lambda x: pooling(x).sum()))
    try:
        gradient(jax.numpy.ones((4, 8, 8, 3))).block_until_ready()
    except Exception as problem:
        return {"compiles": one_line(str(problem))[:200]}
    return {"compiles": "yes"}


def scatter() -> dict[str, Any]:
    """Return how many times as long adding many rows to few by index takes as the same sum as a matrix product.

    It is the gradient of an embedding; some versions of XLA take hundreds of times as long.
    """
    draw = np.random.default_rng(0)
    index = jax.numpy.asarray(draw.integers(0, 32, 200_000))
    values = jax.numpy.asarray(draw.standard_normal((200_000, 16)), "float32")
    empty = jax.numpy.zeros((32, 16))
    # As arguments: of constants, XLA would compute the sum while it compiles.
    ways = (
        jax.jit(lambda at, rows: empty.at[at].add(rows)),
        jax.jit(lambda at, rows: jax.nn.one_hot(at, 32, axis=0) @ rows),
    )
    seconds, sums = list[float](), list[NDArray[Any]]()
    for way in ways:
        sums.append(np.asarray(way(index, values)))
        took = list[float]()
        for _ in range(_REPEATS):
            begin = time.perf_counter()
            way(index, values).block_until_ready()
            took.append(time.perf_counter() - begin)
        seconds.append(min(took))
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-3, atol=1e-2)
    return {"ratio": round(seconds[0] / seconds[1], 2), "seconds": seconds[0]}


_ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each for each in (facts, epoch, fit, norms, sharpness, products, max_pooling, scatter)
}


def main() -> None:
    """Answer each line until there is none; what goes wrong is an answer, too."""
    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        runtime.configure()
    except BatchlabError as problem:
        print(json.dumps({"error": str(problem)}), file=answers, flush=True)
        return
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = _ANSWERS[request.pop("ask")](**request)
        except Exception as problem:  # out of memory, say; the next case goes on
            answer = {"error": one_line(f"{type(problem).__name__}: {problem}")[:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
