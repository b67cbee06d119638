"""A process that trains on request: one line of JSON in, one line out.

Every contender has a process of its own, so that thread pools, caches and determinism flags of one do not reach
another, and all of them stay alive, so that their epochs can be interleaved.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from batchlab.benchmarks import OURS
from batchlab.benchmarks.contenders import Arrays, Contender, prepare
from batchlab.training import backend
from batchlab.training.backend import tf
from batchlab.training.updates import cross_entropy


def _read(request: dict[str, Any]) -> Arrays:
    with np.load(request["data"], allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return {key: values[: request["examples"]] if values.ndim else values for key, values in arrays.items()}


def _loss(contender: Contender, data: Arrays) -> float:
    """Return the mean cross-entropy over the training examples at the present weights."""
    total = 0.0
    for start in range(0, len(data["x"]), 1000):
        x = data["x"][start : start + 1000].astype("float32") / np.float32(data["scale"])
        losses = cross_entropy(tf.constant(data["y"][start : start + 1000]), contender.model(x, training=False))
        total += float(np.sum(losses, dtype=np.float64))
    return total / len(data["x"])


def main(name: str, threads: int) -> None:
    """Answer `{"data", "examples", "spec"}` with the seconds of a first epoch, and `{}` with those of another one.

    Args:
        name: The contender.
        threads: Threads that TensorFlow may use.
    """
    if name == OURS:
        backend.configure(threads=threads)  # as in every job, determinism included
    else:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    answers, sys.stdout = sys.stdout, sys.stderr
    contender: Contender | None = None
    data: Arrays = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            data = _read(request)
            contender = None  # free the former one first
            clock = time.perf_counter()
            contender = prepare(name, request["spec"], data)
            contender.epoch()
            answer = {"seconds": time.perf_counter() - clock}
        else:
            assert contender is not None
            contender.reset()
            answer = {"seconds": contender.epoch(), "loss": _loss(contender, data)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
