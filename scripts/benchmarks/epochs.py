"""One epoch of training: this project beside its peers, interleaved, for several models and batch sizes."""

from __future__ import annotations

import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT, SCRIPTS
from benchmarks import BEST, DEFAULT, FIT_SETTINGS, JAX, OURS, PEERS, TORCH
from benchmarks.medians import medians

# There if `make bench-peers` has installed the peers' libraries.
PEERS_STAMP = PROJECT / ".venv-bench/run.stamp"
# Largest relative difference of the final training loss from ours: float32 runs drift apart at ReLU kinks.
TOLERANCE = 0.02
COLUMNS = (
    "model",
    "batch_size",
    "contender",
    "seed",
    "examples",
    "seconds_per_epoch",
    "compile_seconds",
    "memory_mb",
    "loss",
)
# Ratio → the contender whose seconds are divided by ours.
RATIOS = {"default_ratio": DEFAULT, "best_ratio": BEST, "jax_ratio": JAX, "torch_ratio": TORCH}


@dataclass(frozen=True)
class Case:
    """One comparison: `examples` is how many are trained on, all of them or fewer where an epoch takes minutes."""

    model: dict[str, Any]
    batch_size: int
    examples: int

    @property
    def learning_rate(self) -> float:
        """Smaller for small batches: a rate at which training is unstable turns rounding into another loss."""
        return 0.04 * min(1, self.batch_size / 64)


class Worker:
    """A contender's process.

    Args:
        contender: Its name.
        threads: Threads that it may use.
        log: File for what its libraries say.
    """

    def __init__(self, contender: str, threads: int, log: IO[str]) -> None:
        self.contender = contender
        python = str(PEERS_STAMP.with_name("bin") / "python") if contender in PEERS else sys.executable
        command = [python, "-m", "benchmarks.worker", contender, str(threads)]
        self._log = log
        self._process = subprocess.Popen(
            command, cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            BatchlabError: The process ended, or found that it does not do the same work.
        """
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # it has ended; reading says so
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise BatchlabError(f"benchmark: the process of {self.contender} ended: {self._log.read()[-400:]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BatchlabError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def contenders() -> list[str]:
    """Return the names of the contenders that are installed, ours first."""
    return [OURS, *FIT_SETTINGS, *(PEERS if PEERS_STAMP.exists() else ())]


@contextlib.contextmanager
def workers(threads: int) -> Iterator[list[Worker]]:
    """Start one process per contender, ours first."""
    with contextlib.ExitStack() as stack:
        started = []
        for contender in contenders():
            started.append(Worker(contender, threads, stack.enter_context(tempfile.TemporaryFile("w+"))))
            stack.callback(started[-1].close)
        yield started


def measure(cases: Sequence[Case], data: Path, repeats: int, threads: int, full: int) -> list[dict[str, Any]]:
    """Time every contender in every case, `repeats` times in turn.

    Args:
        cases: What is compared.
        data: `.npz` with `x`, `y`, `scale` and `classes`.
        repeats: Epochs of each contender, after one that is not counted.
        threads: Threads of each contender; only one works at a time.
        full: Examples of a whole epoch, to which the seconds are scaled.

    Returns:
        Rows with the columns `COLUMNS`; `seed` counts the repeats. `compile_seconds` is by how much the first epoch,
        with all that precedes it, took longer than the later ones. A contender that is unable has no row.

    Raises:
        BatchlabError: A contender started or ended with other numbers than ours, so it did not do the same work.
    """
    rows: list[dict[str, Any]] = []
    with workers(threads) as started, tempfile.TemporaryDirectory() as folder:
        for case in cases:
            spec = {"model": case.model, "batch_size": case.batch_size, "learning_rate": case.learning_rate}
            request = {
                "data": str(data.resolve()),
                "examples": case.examples,
                "spec": spec,
                "start": f"{folder}/start.npz",
            }
            prepared = {worker: worker.ask(request) for worker in started}
            able = [worker for worker, answer in prepared.items() if "unable" not in answer]
            rounds = [[worker.ask({}) for worker in able] for _ in range(repeats)]
            found = []
            for number, worker in enumerate(able):
                answers = [answers[number] for answers in rounds]
                later = statistics.median(answer["seconds"] for answer in answers)
                for repeat, answer in enumerate(answers):
                    _same_work(case, worker.contender, answer["loss"], rounds[repeat][0]["loss"])
                    found.append(
                        {
                            "model": case.model["name"],
                            "batch_size": case.batch_size,
                            "contender": worker.contender,
                            "seed": repeat,
                            "examples": case.examples,
                            "seconds_per_epoch": answer["seconds"] * full / case.examples,
                            "compile_seconds": max(0.0, prepared[worker]["seconds"] - later),
                            "memory_mb": answer["memory_mb"],
                            "loss": answer["loss"],
                        }
                    )
            print(f"{case.model['name']}, B = {case.batch_size}: {_line(found)}", flush=True)
            for worker, answer in prepared.items():
                if "unable" in answer:
                    print(f"  {worker.contender}: {answer['unable']}", flush=True)
            rows += found
    return rows


def _same_work(case: Case, contender: str, loss: float, ours: float) -> None:
    if not math.isclose(loss, ours, rel_tol=TOLERANCE):
        raise BatchlabError(
            f"benchmark: {contender} ends {case.model['name']} at B = {case.batch_size} with training loss {loss:.5g}, "
            f"ours with {ours:.5g}: not the same work, so no times are compared"
        )


def _by_contender(rows: Sequence[dict[str, Any]], value: str = "seconds_per_epoch") -> dict[str, float]:
    """Return contender → median over the repeats."""
    return {row["contender"]: row[value] for row in medians(rows, ("contender",), value)}


def _with_best(seconds: dict[str, float]) -> dict[str, float]:
    """Return contender → seconds with those of the best of `fit`'s settings on TensorFlow."""
    return {**seconds, BEST: min(seconds[setting] for setting in FIT_SETTINGS)}


def _line(rows: Sequence[dict[str, Any]]) -> str:
    found = _with_best(_by_contender(rows))
    named = {DEFAULT: "fit", BEST: "fit at its best", JAX: "fit on JAX", TORCH: "PyTorch"}
    ratios = (f"{name} {found[key] / found[OURS]:.1f} times" for key, name in named.items() if key in found)
    return f"{found[OURS]:.3g} s; {', '.join(ratios)} as long"


def _cases(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield model and batch size of each case with its rows."""
    for model, size in dict.fromkeys((row["model"], row["batch_size"]) for row in rows):
        yield (
            {"model": model, "batch_size": size},
            [row for row in rows if (row["model"], row["batch_size"]) == (model, size)],
        )


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each case the medians and how many times longer than ours each peer takes; NaN where it is absent."""
    table = []
    for case, found in _cases(rows):
        seconds = _with_best(_by_contender(found))
        table.append(
            {
                **case,
                "examples": found[0]["examples"],
                **{f"{name}_seconds": seconds.get(name, math.nan) for name in (OURS, *FIT_SETTINGS, *PEERS)},
                **{ratio: seconds.get(name, math.nan) / seconds[OURS] for ratio, name in RATIOS.items()},
            }
        )
    return table


def costs(rows: Sequence[dict[str, Any]], value: str) -> list[dict[str, Any]]:
    """Return for each case the median of `compile_seconds` or `memory_mb`, one column for each contender."""
    names = (OURS, *FIT_SETTINGS, *PEERS)
    return [
        {**case, **{name: found.get(name, math.nan) for name in names}}
        for case, group in _cases(rows)
        for found in [_by_contender(group, value)]
    ]
