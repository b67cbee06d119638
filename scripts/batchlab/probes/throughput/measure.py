"""Speed and memory of training against the micro-batch, measured in a child process that is watched (E21, E31).

Micro-batches come smallest first; when one does not fit, or the time is over, larger ones are not begun. The child is
believed what no one else can know, the seconds of its updates, as far as they are possible; its memory is measured from
outside.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from batchlab.probes.throughput.points import Point
from batchlab.probes.throughput.watched import NO_MEMORY, NO_TIME, Report, Watched, free_memory

Rows = list[dict[str, Any]]

_CHILD = (sys.executable, "-m", "batchlab.probes.throughput.child")
# Seconds that one micro-batch may take, compilation included, even where fewer are asked for.
_PATIENCE = 60.0
_WORKLOAD = ("parameters", "training_examples", "normalising", "random", "evaluation", "device")
_RUN = ("model", "optimizer", "learning_rate", "precision")
_MEASURED, _FAILED, _NOT_BEGUN = "measured", "failed", "not begun"
_MEGABYTE = 1e6


def measure(
    spec: Mapping[str, Any], data: str, options: Mapping[str, Any], command: Sequence[str] = _CHILD
) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Return the tables `throughput` and `workload`, and facts.

    Args:
        spec: Settings of the run: `model`, `optimizer`, `learning_rate`, `precision`, `seeds`.
        data: Path of the prepared data set.
        options: `factor`, `accumulations` and `largest`, see `points`; `seconds` after which no point is begun;
            `memory_share` of the free memory that the child may take.
        command: The child.

    Raises:
        BatchlabError: Not even the smallest micro-batch could be measured.
    """
    allowed = int(free_memory() * options["memory_share"])
    run = {key: spec[key] for key in (*_RUN, "task") if key in spec}
    asked = {key: options[key] for key in ("factor", "accumulations", "largest")}
    child = Watched(
        command,
        {"run": run, "data": data, "points": asked},
        memory=allowed,
        seconds=max(_PATIENCE, options["seconds"]),
        environment={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(SCRIPTS), os.environ.get("PYTHONPATH")))),
            # On a GPU, memory is taken as it is needed, or its peak would say nothing.
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        },
    )
    heard = _Heard(options["seconds"])
    for report in child.reports():
        heard.take(report)
        if heard.enough:
            break
    heard.end(child)
    seed = spec["seeds"][0]
    throughput = [
        {
            "seed": seed,
            "micro_batch": micro,
            "accumulation": accumulation,
            "batch_size": micro * accumulation,
            **heard.rows[micro, accumulation],
            "allowed": (heard.device_allows * options["memory_share"] or allowed) / _MEGABYTE,
            "outcome": heard.outcomes[micro, accumulation],
        }
        for micro, accumulation in heard.points
    ]
    workload = [{"seed": seed, **{name: heard.facts[name] for name in _WORKLOAD}, "cores": _cores()}]
    return {"throughput": throughput, "workload": workload}, {
        key: value for key, value in heard.facts.items() if key not in _WORKLOAD or key == "device"
    }


def _cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Heard:
    """What the child has said, as far as it can be true.

    Args:
        seconds: Time after which no point is begun.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, 0.0
        self.facts: dict[str, Any] = {}
        self.points: list[Point] = []
        self.rows: dict[Point, dict[str, float]] = {}
        self.outcomes: dict[Point, str] = {}
        self.reasons: list[str] = []
        self.device_allows = 0
        self._present: Point | None = None

    @property
    def enough(self) -> bool:
        """Whether nothing more is begun."""
        return self._present is None and bool(self.outcomes) and time.monotonic() > self._end

    def take(self, report: Report) -> None:
        """Take over one line of the child; one that makes no sense is told and otherwise ignored."""
        said = report.said
        if "facts" in said and not self.points:
            self.facts, self._end = said["facts"], time.monotonic() + self._seconds
            self.points = [(micro, accumulation) for micro, accumulation in said["points"]]
        elif "begun" in said:
            self._present = self._point(said["begun"])
        elif self._present is None:
            self.reasons.append(f"out of turn: {said}")
        elif _MEASURED in said:
            self._measured(self._present, said, report)
            self._present = None
        elif NO_MEMORY in said or _FAILED in said:
            self.outcomes[self._present] = NO_MEMORY if NO_MEMORY in said else _FAILED
            self.reasons.append(f"{said.get('why', 'no reason given')}")
            self._present = None

    def _point(self, said: Any) -> Point | None:
        found = tuple(said) if isinstance(said, list) else said
        if found in self.points and found not in self.outcomes:
            return found
        self.reasons.append(f"begins {said}, which is not to be measured")
        return None

    def _measured(self, point: Point, said: Mapping[str, Any], report: Report) -> None:
        seconds, memory = said.get("seconds"), said.get("device_memory") or report.memory
        if not isinstance(seconds, int | float) or not 0 < seconds <= report.waited:
            self.outcomes[point] = _FAILED
            self.reasons.append(f"tells of updates of {seconds} s within {report.waited:.3f} s")
            return
        self.outcomes[point] = _MEASURED
        self.device_allows = said.get("device_allows") or 0
        self.rows[point] = _row(seconds, point[0] * point[1] / seconds, memory / _MEGABYTE)

    def end(self, child: Watched) -> None:
        """Say what became of the points of which nothing was heard.

        Raises:
            BatchlabError: Nothing was measured.
        """
        if self._present is not None:
            self.outcomes[self._present] = child.ending if child.ending in (NO_MEMORY, NO_TIME) else _FAILED
        for reason in self.reasons:
            print(f"throughput: {reason}", file=sys.stderr)
        if _MEASURED not in self.outcomes.values():
            ended = child.ending if child.ending in (NO_MEMORY, NO_TIME) else f"it ended with code {child.code}"
            raise BatchlabError(
                f"throughput: no micro-batch could be measured: {self.reasons[0] if self.reasons else ended}"
            )
        for point in self.points:
            self.outcomes.setdefault(point, _NOT_BEGUN)
            self.rows.setdefault(point, _row())


def _row(seconds: float = float("nan"), speed: float = float("nan"), memory: float = float("nan")) -> dict[str, float]:
    return {"seconds_per_update": seconds, "examples_per_second": speed, "memory": memory}
