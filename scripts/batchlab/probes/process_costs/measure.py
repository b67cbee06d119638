"""What training costs: peak memory and time of child processes, one for each micro-batch, K and seed (E26).

A process of its own is the only honest peak of memory, because a process keeps what it once had, and the only honest
repetition of a time. For each seed all settings run one after the other, so a slow minute of the machine falls on all
of them. (`throughput` goes through micro-batches once, in one process, for advice within a minute.) Children compute on
the CPU with one thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS

Rows = list[dict[str, Any]]

_CHILD = (sys.executable, "-m", "batchlab.probes.process_costs.child")
_RUN = ("model", "optimizer", "learning_rate", "precision", "task")


def measure(
    spec: Mapping[str, Any], data: str, options: Mapping[str, Any], command: Sequence[str] = _CHILD
) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Train in a new process with each of `micro_batches` and `accumulations`, once for each seed.

    Args:
        spec: Settings of the run: `model`, `optimizer`, `learning_rate`, `precision`, `seeds`. Weights are new ones:
            costs do not depend on them.
        data: Path of the prepared data set.
        options: `micro_batches`, `accumulations`, `examples`.
        command: The child.

    Raises:
        BatchlabError: A process failed, for want of memory most of the time.
    """
    run = {key: spec[key] for key in _RUN if key in spec}
    rows: Rows = []
    for seed in spec["seeds"]:
        for micro in options["micro_batches"]:
            for accumulation in options["accumulations"]:
                size = micro * accumulation
                examples = -(-options["examples"] // size) * size
                own = {**run, "batch_size": size, "accumulation": accumulation}
                costs = _in_a_process(command, {"run": own, "data": data, "examples": examples})
                place = {"seed": seed, "micro_batch": micro, "accumulation": accumulation}
                rows.append({**place, "batch_size": size, "examples": examples, **costs})
    return {"process_costs": rows}, {"processes": len(rows)}


def _in_a_process(command: Sequence[str], settings: Mapping[str, Any]) -> dict[str, float]:
    """Return what `child.costs` returns, computed by a new process."""
    path = os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command,
        input=json.dumps(settings),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "BATCHLAB_DEVICE": "cpu"},
        text=True,
        check=False,
    )
    if done.returncode:
        run = settings["run"]
        raise BatchlabError(
            f"process_costs: the process with B = {run['batch_size']}, K = {run['accumulation']} ended with status "
            f"{done.returncode}, perhaps for want of memory; name smaller micro_batches (the log says more)"
        )
    costs: dict[str, float] = json.loads(done.stdout)
    return costs
