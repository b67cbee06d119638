"""One epoch of training: this project beside Keras' `fit`, interleaved, for several models and batch sizes."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.benchmarks import BEST, DEFAULT, FIT_SETTINGS, OURS
from batchlab.digests import LIBRARY
from batchlab.errors import BatchlabError

# Largest relative difference of the final training loss from ours: float32 runs drift apart at ReLU kinks.
TOLERANCE = 0.02
COLUMNS = ("model", "batch_size", "contender", "seed", "examples", "seconds_per_epoch", "preparation_seconds", "loss")


@dataclass(frozen=True)
class Case:
    """One comparison: `examples` is how many are trained on, all of them or fewer where an epoch takes minutes."""

    model: dict[str, Any]
    batch_size: int
    examples: int
    learning_rate: float = 0.04


class Worker:
    """A contender's process."""

    def __init__(self, contender: str, threads: int) -> None:
        self.contender = contender
        command = [sys.executable, "-m", "batchlab.benchmarks.worker", contender, str(threads)]
        self._process = subprocess.Popen(
            command, cwd=LIBRARY.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, request: dict[str, Any]) -> dict[str, float]:
        """Send a request and wait for its answer.

        Raises:
            BatchlabError: The process ended.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BatchlabError(f"benchmark: the process of {self.contender} ended; its error stands above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def workers(threads: int) -> Iterator[list[Worker]]:
    """Start one process per contender."""
    with ExitStack() as stack:
        started = []
        for contender in (OURS, *FIT_SETTINGS):
            started.append(Worker(contender, threads))
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
        Rows with the columns `COLUMNS`; `seed` counts the repeats.

    Raises:
        BatchlabError: A contender ended with another training loss, so it did not do the same work.
    """
    rows: list[dict[str, Any]] = []
    with workers(threads) as started:
        for case in cases:
            spec = {"model": case.model, "batch_size": case.batch_size, "learning_rate": case.learning_rate}
            request = {"data": str(data.resolve()), "examples": case.examples, "spec": spec}
            prepared = {worker.contender: worker.ask(request)["seconds"] for worker in started}
            for repeat in range(repeats):
                answers = {worker.contender: worker.ask({}) for worker in started}
                for contender, answer in answers.items():
                    _same_work(case, contender, answer["loss"], answers[OURS]["loss"])
                    rows.append(
                        {
                            "model": case.model["name"],
                            "batch_size": case.batch_size,
                            "contender": contender,
                            "seed": repeat,
                            "examples": case.examples,
                            "seconds_per_epoch": answer["seconds"] * full / case.examples,
                            "preparation_seconds": prepared[contender],
                            "loss": answer["loss"],
                        }
                    )
            print(f"{case.model['name']}, B = {case.batch_size}: {_line(rows[-repeats * len(started) :])}", flush=True)
    return rows


def _same_work(case: Case, contender: str, loss: float, ours: float) -> None:
    if not math.isclose(loss, ours, rel_tol=TOLERANCE):
        raise BatchlabError(
            f"benchmark: {contender} ends {case.model['name']} at B = {case.batch_size} with training loss {loss:.5g}, "
            f"ours with {ours:.5g}: not the same work, so no times are compared"
        )


def medians(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return contender → median seconds per epoch; `fit_best` is the best of Keras' settings."""
    found = {
        contender: statistics.median(row["seconds_per_epoch"] for row in rows if row["contender"] == contender)
        for contender in dict.fromkeys(row["contender"] for row in rows)
    }
    found[BEST] = min(seconds for contender, seconds in found.items() if contender != OURS)
    return found


def _line(rows: Sequence[dict[str, Any]]) -> str:
    found = medians(rows)
    return (
        f"{found[OURS]:.3g} s; fit {found[DEFAULT] / found[OURS]:.1f} times as long, "
        f"at its best settings {found[BEST] / found[OURS]:.1f} times"
    )


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each model and batch size the medians and how many times longer Keras' `fit` takes."""
    cases = dict.fromkeys((row["model"], row["batch_size"]) for row in rows)
    table = []
    for model, batch_size in cases:
        found = medians([row for row in rows if (row["model"], row["batch_size"]) == (model, batch_size)])
        table.append(
            {
                "model": model,
                "batch_size": batch_size,
                **{f"{contender}_seconds": seconds for contender, seconds in found.items()},
                "default_ratio": found[DEFAULT] / found[OURS],
                "best_ratio": found[BEST] / found[OURS],
            }
        )
    return table
