"""Seeds side by side: an epoch of several replicas with each training core, interleaved, from the same weights.

Run `python -m benchmarks.replicas` (in `scripts/`) with both cores installed. The TensorFlow core trains one
seed after the other on the CPU; the JAX core trains all at once, on the device that BATCHLAB_DEVICE names. Each side is
a process of its own with one thread, as a job is: one line of JSON in, one line out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS

CORES = ("tensorflow", "jax")
# Largest relative difference of a replica's loss over the epoch: float32 runs drift apart at ReLU kinks.
TOLERANCE = 0.01


class Side:
    """A core's process, seen from the measurement."""

    def __init__(self, core: str) -> None:
        self.core = core
        device = {"BATCHLAB_DEVICE": "cpu"} if core == "tensorflow" else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.replicas", "--side"],
            cwd=SCRIPTS,
            env={**os.environ, "BATCHLAB_BACKEND": core, **device},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request to `_serve` and wait for its answer.

        Raises:
            BatchlabError: The process ended.
        """
        assert self._process.stdin and self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise BatchlabError(f"benchmark: the process of {self.core} ended; its error stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _serve() -> None:
    """Draw initial weights, prepare a training, or train an epoch from the initial weights, as each line asks."""
    from batchlab.backend import resident, runtime
    from batchlab.tasks.classification.objective import CLASSIFICATION
    from batchlab.training import segment, state
    from batchlab.training.trainer import Trainer

    facts = runtime.configure()
    trainer: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if "draw" in request:
            data = resident.read(request["data"], CLASSIFICATION)
            state.write(request["draw"], segment.initialise(request["spec"], data).snapshot)
        elif "spec" in request:
            trainer = Trainer(request["spec"], resident.read(request["data"], CLASSIFICATION))
            initial, seeds = state.read(request["initial"]), request["spec"]["seeds"]
            answer = {"facts": facts}
        else:
            answer = {"losses": [], "seconds": 0.0, "cpu_seconds": 0.0}
            for group in trainer.replicas.groups(seeds):
                trainer.load(initial, group)
                orders, clock = trainer.orders(group, 0), time.process_time()
                losses, seconds = trainer.run(orders, 0, trainer.data.examples)
                answer["cpu_seconds"] += time.process_time() - clock
                answer["losses"] += losses
                answer["seconds"] += seconds
            answer["compile_seconds"] = trainer.replicas.compile_seconds
        print(json.dumps(answer), flush=True)


def measure(
    spec: dict[str, Any], counts: Sequence[int], data: Path, repeats: int
) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Return (core, number of seeds) → answers of the repeats, the cores in turn.

    Raises:
        BatchlabError: A replica's loss is another one with the other core, so they did not do the same work.
    """
    sides = [Side(core) for core in CORES]
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        initial = str(Path(folder) / "initial.npz")
        sides[0].ask(draw=initial, data=str(data), spec={**spec, "seeds": list(range(max(counts)))})
        for count in counts:
            for side in sides:
                seeds = {**spec, "seeds": list(range(count))}
                print(f"{side.core}: {side.ask(spec=seeds, data=str(data), initial=initial)['facts']}", file=sys.stderr)
                side.ask()  # compiles
            for _ in range(repeats):
                for side in sides:
                    found.setdefault((side.core, count), []).append(side.ask())
                one, other = (found[core, count][-1]["losses"] for core in CORES)
                if not all(math.isclose(*pair, rel_tol=TOLERANCE) for pair in zip(one, other, strict=True)):
                    raise BatchlabError(f"benchmark: losses {one} and {other}: not the same work, so no times")
    for side in sides:
        side.close()
    return found


def main() -> None:
    """Measure and print the medians as a table."""
    parser = argparse.ArgumentParser(description="Time replicas side by side beside one after the other.")
    parser.add_argument("data", type=Path, help="a prepared data set, results/data/…/data.npz")
    parser.add_argument("--model", type=json.loads, default={"name": "mlp", "hidden": [512, 512]})
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5], help="numbers of seeds")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    spec = {"model": options.model, "batch_size": options.batch_size, "accumulation": 1, "learning_rate": 0.04}
    found = measure({**spec, "optimizer": {"name": "sgd"}}, options.seeds, options.data.resolve(), options.repeats)
    print("| core | seeds | s per epoch of all seeds: median | least | greatest | median of CPU s | s to compile |")
    print("|---|---|---|---|---|---|---|")
    for (core, count), answers in found.items():
        seconds, busy = ([answer[key] for answer in answers] for key in ("seconds", "cpu_seconds"))
        numbers = median(seconds), min(seconds), max(seconds), median(busy), answers[0]["compile_seconds"]
        print(f"| {core} | {count} | {' | '.join(f'{number:.3g}' for number in numbers)} |")


if __name__ == "__main__":
    if "--side" in sys.argv:
        _serve()
    else:
        try:
            main()
        except BatchlabError as problem:
            sys.exit(f"batchlab: error: {problem}")
