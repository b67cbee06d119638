"""The child of the probe: trains with one micro-batch and one K, and tells in a line of JSON what that cost."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.backend import resident, runtime
from batchlab.sources.contents import read_archive
from batchlab.training import state
from batchlab.training.current_task import task_of
from batchlab.training.trainer import Trainer

_PROCESS = Path("/proc/self")
_MIB = 2**20


def main() -> None:
    """Read settings from the standard input and write the costs to the standard output, to which nothing else can."""
    settings = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    print(json.dumps(costs(settings)), file=answer, flush=True)


def costs(settings: Mapping[str, Any]) -> dict[str, float]:
    """Train and return `peak_memory` and `update_memory` in MiB, and `seconds_per_1000` examples.

    Args:
        settings: `run`, the settings of a `Trainer` and its `precision`; `data`, path of the prepared data set; and the
            number of `examples`, a multiple of the batch size.
    """
    run, examples = settings["run"], settings["examples"]
    runtime.configure(run["precision"])
    arrays = dict(read_archive(settings["data"]))
    # A batch that is larger than the training set holds its examples more than once.
    rows = np.arange(max(run["batch_size"], len(arrays["x_train"]))) % len(arrays["x_train"])
    arrays |= {name: values[rows] for name, values in arrays.items() if name.endswith("_train")}
    data = resident.from_arrays(arrays, task_of(run))
    trainer = Trainer(run, data)
    trainer.replicas.restore([state.capture(trainer.variables)])
    orders = trainer.replicas.on_device([np.arange(examples, dtype=np.int32) % data.examples])
    for _ in range(2):  # compiles, then fills caches
        trainer.replicas.run(orders, [(trainer.batch_size, 0, trainer.batch_size)])
    give_back()
    before = forget_peak()
    _, seconds = trainer.replicas.run(orders, [(trainer.batch_size, 0, examples)])
    largest = peak()
    return {
        "peak_memory": largest / _MIB,
        "update_memory": max(0.0, largest - before) / _MIB,
        "seconds_per_1000": 1000 * seconds / examples,
    }


def give_back() -> None:
    """Return freed memory to the system, where the C library can; else the peak hides what it kept."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> float:
    """Let the kernel count the peak anew; return the resident memory in bytes, or the peak where it cannot (macOS)."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
        return _status("VmRSS")
    except OSError:
        return peak()


def peak() -> float:
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
    main()
