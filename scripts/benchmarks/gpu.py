"""`make bench-gpu`: the JAX core on a GPU, in at most eight minutes; JAX, Keras and NumPy are all that it needs.

It checks first that GPU, CPU and Keras' `fit` do the same work. What there was no time for is listed, not left out in
silence. Tables go to `results/bench/gpu.csv` and `gpu.md`.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import write_text
from batchlab.paths import SCRIPTS

TARGET = Path("results/bench")
# Relative difference of the loss over an epoch: float32 runs drift apart at ReLU kinks.
TOLERANCE = 0.01
MLP, LENET = {"name": "mlp", "hidden": [512, 512]}, {"name": "lenet"}
# Operations of one example's update in that MLP, matrix products only: two for each weight forward, two for its
# gradient, and two for that of its input, which the first layer does not need.
OPERATIONS = 6 * (784 * 512 + 512 * 512 + 512 * 10) - 2 * 784 * 512
# Batch size → examples, some hundred updates each.
EXAMPLES = {1: 300, 64: 12_800, 1024: 51_200}
# What is added to the environment of each process.
_GPU = {"BATCHLAB_DEVICE": "gpu", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
SIDES = {
    "gpu": _GPU,
    "cpu": {"BATCHLAB_DEVICE": "cpu"},
    "gpu, not deterministic": {**_GPU, "XLA_FLAGS": "--xla_gpu_deterministic_ops=false"},
    "gpu, convolutions side by side": {**_GPU, "BATCHLAB_WITHOUT": "convolutions_one_by_one"},
}


@dataclass(frozen=True)
class Case:
    """One measurement: `ask` is a function of `gpu_side`, and what it is asked for."""

    side: str
    ask: str
    model: str
    batch_size: int
    replicas: int
    examples: int

    def __str__(self) -> str:
        """In words."""
        return f"{self.side}, {self.ask}: {self.model}, B = {self.batch_size}, replicas: {self.replicas}"

    @property
    def request(self) -> dict[str, Any]:
        """What the side is asked."""
        model = MLP if self.model == "mlp" else LENET
        named = {"model": model, "batch_size": self.batch_size, "replicas": self.replicas}
        return {"ask": self.ask, "examples": self.examples, **named}


def cases(replicas: Sequence[int], share: float) -> list[Case]:
    """Return all measurements, what matters most first.

    Args:
        replicas: Numbers of replicas.
        share: Share of the examples, for a trial on a CPU.
    """
    count = {size: max(size, round(share * examples)) for size, examples in EXAMPLES.items()}
    found = [Case(side, "epoch", "mlp", 64, 1, count[64]) for side in ("gpu", "cpu")]
    found.append(Case("gpu", "fit", "mlp", 64, 1, count[64]))
    for size in (1024, 64, 1):
        found += [Case("gpu", "epoch", "mlp", size, number, count[size]) for number in replicas]
    found += [Case("gpu", "fit", "mlp", size, 1, count[size]) for size in (1024, 1)]
    found += [Case("cpu", "epoch", "mlp", size, 1, count[size]) for size in (1024, 1)]
    found += [Case("gpu", "epoch", "lenet", 64, number, count[64] // 2) for number in replicas]
    found += [Case("gpu", "fit", "lenet", 64, 1, count[64] // 2), Case("cpu", "epoch", "lenet", 64, 1, count[64] // 8)]
    found += [Case("gpu, not deterministic", "epoch", model, 64, 1, count[64] // 2) for model in ("mlp", "lenet")]
    found += [Case("gpu", "epoch", "mlp", 64, 1, count[64] // 2)]
    found += [Case(side, "norms", "mlp", 64, 1, count[64]) for side in ("gpu", "cpu")]
    found += [Case(side, "sharpness", "mlp", 1000, 1, min(1000, count[64])) for side in ("gpu", "cpu")]
    # Last, since many side by side compile for long.
    found += [
        Case("gpu, convolutions side by side", "epoch", "lenet", 64, number, count[64] // 2) for number in replicas
    ]
    return list(dict.fromkeys(found))


class Side:
    """A process on one device, which is killed when it takes too long.

    Args:
        name: One of `SIDES`.
        deadline: When all must have ended, by `time.monotonic`.
    """

    def __init__(self, name: str, deadline: float) -> None:
        self._deadline, self._answers = deadline, queue.Queue[str]()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gpu_side"],
            cwd=SCRIPTS,
            env={**os.environ, "BATCHLAB_BACKEND": "jax", **SIDES[name]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put('{"error": "the process has ended"}')

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, or `{"error": …}`."""
        assert self._process.stdin
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            found: dict[str, Any] = json.loads(self._answers.get(timeout=max(0.0, self._deadline - time.monotonic())))
        except OSError:
            return {"error": "the process has ended"}
        except queue.Empty:
            self._process.kill()
            return {"error": "no time"}
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def check_equal_work(answers: Sequence[tuple[Case, dict[str, Any]]]) -> None:
    """Raise unless all that computed the same thing on one model, batch size and number of examples agree.

    Trainings are compared by the loss of their first replica, norms by their sum, and products with the Hessian by the
    eigenvalue that they lead to.

    Raises:
        BatchlabError: Two of them differ, so their times are not of the same work.
    """
    losses: dict[tuple[Any, ...], tuple[Case, float]] = {}
    for case, answer in answers:
        if "error" in answer:
            continue
        key = "loss" if case.ask in ("epoch", "fit") else case.ask, case.model, case.batch_size, case.examples
        first, loss = losses.setdefault(key, (case, answer["loss"]))
        if not math.isclose(loss, answer["loss"], rel_tol=TOLERANCE):
            raise BatchlabError(
                f"{case.model}, B = {case.batch_size}: {key[0]} {answer['loss']:.4g} ({case.side}, {case.ask}) and "
                f"{loss:.4g} ({first.side}, {first.ask}): not the same work, so no times"
            )


def rows(answers: Sequence[tuple[Case, dict[str, Any]]], rate: float) -> list[dict[str, Any]]:
    """Return the table: one row for each case, times for a thousand examples of one replica.

    Args:
        answers: Cases with what their side answered.
        rate: Operations a second of matrix products on the GPU.
    """
    found = []
    for case, answer in answers:
        row = {name: getattr(case, name) for name in ("side", "ask", "model", "batch_size", "replicas", "examples")}
        if "error" in answer:
            found.append({**row, "remark": answer["error"]})
            continue
        work = case.examples * case.replicas
        counted = case.ask == "epoch" and case.model == "mlp" and case.side.startswith("gpu") and rate > 0
        found.append(
            {
                **row,
                "ms_per_1000_examples": 1e6 * answer["seconds"] / work,
                "seconds": answer["seconds"],
                "first_seconds": answer["first"],
                "compared": answer["loss"],
                "memory_mb": answer["memory_mb"],
                "share_of_products": OPERATIONS * work / answer["seconds"] / rate if counted else "",
                "remark": "",
            }
        )
    return found


COLUMNS = (
    *("side", "ask", "model", "batch_size", "replicas", "examples", "ms_per_1000_examples", "seconds", "first_seconds"),
    *("compared", "memory_mb", "share_of_products", "remark"),
)


_LEGEND = (
    "`epoch`, `norms` and `sharpness` (ten products with the Hessian) are this project's, `fit` is Keras'. Seconds are",
    "the least of three, `first_seconds` those of the first time, which compiles. `compared` must agree within 1 % on",
    "every side: the loss, the sum of the norms, the eigenvalue. `memory_mb` is the most that the process used so far,",
    "`share_of_products` the operations of the dense layers over the device's own rate of matrix products.",
)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def page(facts: dict[str, Any], table: Sequence[dict[str, Any]]) -> str:
    """Return facts and table as Markdown."""
    lines = ["# The JAX core on a GPU", "", *(f"- {name}: {value}" for name, value in facts.items()), "", *_LEGEND, ""]
    lines += [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(_cell(row.get(name, '')) for name in COLUMNS)} |" for row in table]
    return "\n".join(lines) + "\n"


def _told(answer: dict[str, Any]) -> str:
    """Return an answer in words."""
    if "error" in answer:
        return str(answer["error"])
    return f"{answer['seconds']:.3g} s after {answer['first']:.3g} s to compile"


def _driver() -> str:
    try:
        command = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().replace("\n", "; ")
    except (OSError, subprocess.CalledProcessError):
        return "no nvidia-smi"


def measure(
    todo: Sequence[Case], size: int, start: Callable[[str], Any], say: Callable[[str], None]
) -> tuple[dict[str, Any], list[tuple[Case, dict[str, Any]]]]:
    """Return facts, and each case with its answer.

    Raises:
        BatchlabError: There is no GPU, or two sides did not do the same work.
    """
    sides: dict[str, Any] = {}

    def side(name: str) -> Any:
        if name not in sides:
            sides[name] = start(name)
        return sides[name]

    try:
        facts = side("gpu").ask({"ask": "facts"})
        if "error" in facts:
            raise BatchlabError(f"no GPU for JAX: {facts['error']}")
        facts["driver"] = _driver()
        facts["products_per_second"] = side("gpu").ask({"ask": "products", "size": size}).get("rate", 0.0)
        for name in ("gpu", "gpu, not deterministic"):
            facts[f"gradient of max pooling compiles ({name})"] = str(side(name).ask({"ask": "max_pooling"}))
            facts[f"adding by index over the same as a product ({name})"] = str(side(name).ask({"ask": "scatter"}))
        answers: list[tuple[Case, dict[str, Any]]] = []
        for case in todo:
            answers.append((case, side(case.side).ask(case.request)))
            say(f"{case}: {_told(answers[-1][1])}")
            check_equal_work(answers)
        return facts, answers
    finally:
        for each in sides.values():
            each.close()


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="make bench-gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=7.5, help="when to stop")
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 5, 40, 100])
    parser.add_argument("--on-cpu", action="store_true", help="take the CPU for the GPU: a trial of this program")
    parser.add_argument("--share", type=float, default=1.0, help="share of the examples, for a trial")
    options = parser.parse_args()
    if options.on_cpu:
        for environment in SIDES.values():
            environment["BATCHLAB_DEVICE"] = "cpu"
            environment.pop("XLA_FLAGS", None)
    deadline = time.monotonic() + 60 * options.minutes
    facts, answers = measure(
        cases(options.replicas, options.share),
        512 if options.on_cpu else 8192,
        lambda name: Side(name, deadline),
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    if options.on_cpu:
        facts["trial"] = "on a CPU: no number of this page is one of a GPU"
    table = rows(answers, facts["products_per_second"])
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / "gpu.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(table)
    write_text(TARGET / "gpu.md", page(facts, table))
    print(page(facts, table))


if __name__ == "__main__":
    try:
        main()
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
