"""A process that trains on request: one line of JSON in, one line out.

Every contender has a process of its own, so that thread pools, caches and determinism flags of one do not reach
another, and all of them stay alive, so that their epochs can be interleaved.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from benchmarks import JAX, contenders
from benchmarks.contenders import start
from benchmarks.memory import forget_peak, peak_memory

_CHUNK = 1000


def _loss(contender: contenders.Contender, data: contenders.Data) -> float:
    """Return the mean cross-entropy over the training examples at the present weights.

    Layers that normalise take the statistics of each thousand examples: libraries define their running variances
    differently (PyTorch's is the unbiased one), and training does not depend on these.
    """
    total = 0.0
    for first in range(0, len(data.y), _CHUNK):
        rows = slice(first, first + _CHUNK)
        logits = contender.logits(data.inputs(rows), training=True).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(len(logits)), data.y[rows]]
        total += float(np.sum(np.log(np.exp(logits).sum(axis=1)) - chosen))
    return total / len(data.y)


def main(name: str, threads: int) -> None:
    """Answer `{"data", "examples", "spec", "start"}` with the seconds of a first epoch, `{}` with those of another one.

    Answers to `{}` hold the training loss reached and the peak of memory, too. `{"unable": why}` says that the
    contender has no such epoch.

    Args:
        name: The contender.
        threads: Threads that it may use.
    """
    os.environ["KERAS_BACKEND"] = "jax" if name == JAX else "tensorflow"
    if name == JAX:
        os.environ["NPROC"] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    answers, sys.stdout = sys.stdout, sys.stderr
    way = contenders.way(name)
    way.configure(threads)
    contender: contenders.Contender | None = None
    data: contenders.Data | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        if request:
            contender = data = None  # free the former ones first
            gc.collect()
            forget_peak()
            data = contenders.read(request["data"], request["examples"])
            path = Path(request["start"])
            clock = time.perf_counter()
            try:
                contender = way.prepare(name, request["spec"], data, path)
                seconds = time.perf_counter() - clock
                begin = start.read(path)
                start.check(name, contender.logits(data.inputs(slice(start.CHECKED)), training=False), begin)
                answer = {"seconds": seconds + contender.epoch()}
            except contenders.UnableError as problem:
                answer = {"unable": str(problem)}
            except BatchlabError as problem:
                answer = {"error": str(problem)}
        else:
            assert contender is not None and data is not None
            contender.reset()
            seconds, memory = contender.epoch(), peak_memory()
            answer = {"seconds": seconds, "memory_mb": memory, "loss": _loss(contender, data)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
