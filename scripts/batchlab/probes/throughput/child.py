"""The child of the probe: trains a stretch at each micro-batch, smallest first, and reports each in a line of JSON."""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from batchlab.backend import runtime, streamed
from batchlab.backend.resident import Resident
from batchlab.probes.throughput.points import points
from batchlab.training import state
from batchlab.training.current_task import task_of
from batchlab.training.normalisation import normalisation_layers
from batchlab.training.trainer import Trainer

# A stretch is as many updates as take this long, but one at least; the median of a few stretches counts.
_STRETCH, _STRETCHES = 0.1, 5

Tell = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Read settings from the standard input and report on the standard output, to which nothing else can write."""
    settings = json.load(sys.stdin)
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(line: Mapping[str, Any]) -> None:
        print(json.dumps(line), file=report, flush=True)

    measure(settings, tell)


def measure(settings: Mapping[str, Any], tell: Tell) -> None:
    """Report `facts`, then for each point that it is `begun`, and its `seconds` per update or why it `failed`.

    Args:
        settings: `run`, the settings of a `Trainer` and its `precision`; `data`, path of the prepared data set; and
            `points`, which ones (see `points.points`).
        tell: Takes the lines.
    """
    run = settings["run"]
    facts = runtime.configure(run["precision"])
    data = streamed.read(settings["data"], task_of(run))
    tell({"facts": {**facts, **_workload(run, data)}, "points": (wanted := points(data.examples, settings["points"]))})
    for micro, accumulation in wanted:
        tell({"begun": [micro, accumulation]})
        try:
            seconds = _seconds_per_update(_trainer(run, data, micro, accumulation))
        except MemoryError:
            tell({"no memory": [micro, accumulation]})
            return
        except Exception as problem:
            text = " ".join(str(problem).split())[:500]
            exhausted = "RESOURCE_EXHAUSTED" in text or "ResourceExhausted" in type(problem).__name__
            tell(
                {
                    "no memory" if exhausted else "failed": [micro, accumulation],
                    "why": f"{type(problem).__name__}: {text}",
                }
            )
            if exhausted:
                return
        else:
            peak, most = runtime.device_memory()
            line = {"measured": [micro, accumulation], "seconds": seconds}
            tell({**line, "device_memory": peak, "device_allows": most})
        runtime.keras.utils.clear_session()


def _trainer(run: Mapping[str, Any], data: Resident, micro: int, accumulation: int) -> Trainer:
    trainer = Trainer({**run, "batch_size": micro * accumulation, "accumulation": accumulation}, data)
    trainer.replicas.restore([state.capture(trainer.variables)])
    return trainer


def _seconds_per_update(trainer: Trainer) -> float:
    """Return the median time of an update over several stretches of updates, each within the first epoch."""
    orders, size = trainer.orders([0], 0), trainer.batch_size
    most = trainer.data.examples // size

    def stretch(updates: int) -> float:
        return trainer.run(orders, 0, updates * size)[1]

    first = min(stretch(1) for _ in range(2))
    updates = max(1, min(most, int(_STRETCH / max(first, 1e-9))))
    return statistics.median(stretch(updates) / updates for _ in range(_STRETCHES))


def _workload(run: Mapping[str, Any], data: Resident) -> dict[str, Any]:
    """Return what counts for the choice of a batch size: parameters, kinds of layers, the time of an evaluation."""
    trainer = _trainer(run, data, 1, 1)
    trainer.metrics()
    clock = time.perf_counter()
    trainer.metrics()
    seconds = time.perf_counter() - clock
    return {
        "parameters": sum(math.prod(variable.shape) for variable in trainer.model.trainable_variables),
        "training_examples": data.examples,
        "normalising": len(normalisation_layers(trainer.model)),
        "random": sum("seed_generator" in variable.path for variable in trainer.model.non_trainable_variables),
        "evaluation": seconds,
    }


if __name__ == "__main__":
    main()
