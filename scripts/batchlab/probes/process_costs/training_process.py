"""A process that trains with one micro-batch and one K, and tells what that cost.

Called with two paths: the request, which `measure` has pickled, and the answer, which is written as JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import pickle
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.backend import runtime
from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.training import state
from batchlab.training.trainer import Trainer

_PROCESS = Path("/proc/self")
_MIB = 2**20


def costs(request: Mapping[str, Any]) -> dict[str, float]:
    """Train and return `peak_memory` and `update_memory` in MiB, and `seconds_per_1000` examples.

    Args:
        request: `settings` of the trainer, `precision`, `data` (the fields of the data set, arrays in place of
            tensors), and the number of `examples`, a multiple of the batch size.
    """
    runtime.configure(request["precision"])
    fields = {
        name: keras.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value
        for name, value in request["data"].items()
    }
    data = Resident(**fields)
    trainer = Trainer(request["settings"], data)
    trainer.replicas.restore([state.capture(trainer.variables)])
    # Any order will do; a batch that is larger than the training set goes through it more than once.
    [order] = [np.arange(request["examples"], dtype=np.int32) % data.examples]
    orders = trainer.replicas.on_device([order])
    first = [(trainer.batch_size, 0, trainer.batch_size)]
    for _ in range(2):  # compiles, then fills caches
        trainer.replicas.run(orders, first)
    _give_back()
    before = _forget_peak()
    _, seconds = trainer.replicas.run(orders, [(trainer.batch_size, 0, request["examples"])])
    peak = _peak()
    return {
        "peak_memory": peak / _MIB,
        "update_memory": max(0.0, peak - before) / _MIB,
        "seconds_per_1000": 1000 * seconds / request["examples"],
    }


def _give_back() -> None:
    """Return freed memory to the system, where the C library can; else the peak hides what it kept."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _forget_peak() -> float:
    """Let the kernel count the peak anew; return the resident memory in bytes, or the peak where it cannot (macOS)."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
        return _status("VmRSS")
    except OSError:
        return _peak()


def _peak() -> float:
    """Return the largest resident memory of this process in bytes, since it was last forgotten."""
    try:
        return _status("VmHWM")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def _status(name: str) -> float:
    lines = (_PROCESS / "status").read_text().splitlines()
    return 1024 * next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    asked, answer = map(Path, sys.argv[1:])
    # The request was written by the process that started this one.
    answer.write_text(json.dumps(costs(pickle.loads(asked.read_bytes()))))
