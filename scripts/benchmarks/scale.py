"""Cost against size: seconds and memory of training and of a probe for more seeds, examples and trials."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from benchmarks import contenders
from benchmarks.memory import peak_memory

COLUMNS = ("what", "count", "seed", "seconds", "memory_mb")
SIZES: dict[str, tuple[int, ...]] = {
    "seeds": (1, 2, 4, 8, 16),
    "examples": (6_250, 12_500, 25_000, 50_000),
    "trials": (100, 1_000, 4_000),
}
# Trained on where the number of examples is not what is varied.
EXAMPLES = 10_000
_SPEC: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [512, 512]},
    "optimizer": {"name": "sgd"},
    "learning_rate": 0.04,
    "batch_size": 64,
    "accumulation": 1,
}


def measure(data: Path, full: int, repeats: int, sizes: Mapping[str, Sequence[int]] = SIZES) -> list[dict[str, Any]]:
    """Time one epoch for so many seeds and examples, and so many trials of gradient norms; each in a fresh process.

    Args:
        data: `.npz` with `x`, `y`, `scale` and `classes`.
        full: Examples in it; larger numbers are left out.
        repeats: Times that each is done.
        sizes: What is varied, and over which numbers.

    Returns:
        Rows with the columns `COLUMNS`; `seed` counts the repeats. Compilation is not in the seconds.
    """
    rows = []
    for repeat in range(repeats):
        for what, counts in sizes.items():
            for count in counts:
                if what != "examples" or count <= full:
                    rows.append({"what": what, "count": count, "seed": repeat, **_point(what, count, data)})
    return rows


def _point(what: str, count: int, data: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.scale", what, str(count), str(data.resolve())]
    done = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True)
    if done.returncode:
        raise BatchlabError(f"benchmark: {count} {what}: {done.stderr[-400:]}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def exponents(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return for each quantity the slope of log seconds over log count: 1 where cost is proportional to it.

    A quantity that was not varied has none.
    """
    found = {}
    for what in dict.fromkeys(row["what"] for row in rows):
        points = [(math.log(row["count"]), math.log(row["seconds"])) for row in rows if row["what"] == what]
        sizes, seconds = zip(*points, strict=True)
        if len(set(sizes)) > 1:
            found[what] = statistics.linear_regression(sizes, seconds).slope
    return found


def _train(data: contenders.Data, seeds: int) -> float:
    from batchlab.training import segment
    from benchmarks.contenders.ours import resident_of

    held = resident_of(data)
    spec = {**_SPEC, "seeds": list(range(seeds)), "start": 0, "stop": held.examples}
    initial = segment.initialise(spec, held).snapshot
    clock = time.perf_counter()
    trained = segment.train(spec, held, initial, initial)
    return time.perf_counter() - clock - float(trained.facts["compile_seconds"])


def _probe(data: contenders.Data, trials: int) -> float:
    from batchlab.probes.gradient_norms import measure as gradient_norms
    from batchlab.training.frozen_model import FrozenModel
    from batchlab.training.order import trial_batches
    from benchmarks.contenders.ours import resident_of

    model = FrozenModel(_SPEC["model"], resident_of(data))
    batches = trial_batches(0, "fixed_weights", 16, trials, 16, EXAMPLES)
    clock = time.perf_counter()
    gradient_norms.fixed_weights(model.replicas, len(model.trainable))(batches)
    return time.perf_counter() - clock


def main(what: str, count: int, path: str) -> None:
    """Do one piece of work in this process and print its seconds and the peak of memory."""
    from batchlab.backend import runtime

    runtime.configure()  # one thread, as in every job
    data = contenders.read(path, count if what == "examples" else EXAMPLES)
    seconds = _probe(data, count) if what == "trials" else _train(data, count if what == "seeds" else 1)
    print(json.dumps({"seconds": seconds, "memory_mb": peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
