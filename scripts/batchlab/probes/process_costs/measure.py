"""What training costs: peak memory and time of child processes, one for each micro-batch, K and seed (E26).

A process of its own is the only honest peak of memory, because a process keeps what it once had, and the only honest
repetition of a time. For each seed all settings run one after the other, so a slow minute of the machine falls on all
of them. Children compute on the CPU with one thread.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.backend.resident import Resident
from batchlab.backend.runtime import keras
from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from batchlab.probes.measuring import Measurement, Rows, Run
from batchlab.probes.process_costs import training_process
from batchlab.training import state


def measure(run: Run, data: Resident, snapshots: tuple[state.Snapshot, ...], options: Mapping[str, Any]) -> Measurement:
    """Train in a new process with each of `micro_batches` and `accumulations`, once for each seed.

    Args:
        run: Whose model, optimizer and learning rate are used. The weights are new ones: cost does not depend on them.
        data: The resident data set.
        snapshots: The one that says where; what it holds is not read.
        options: `micro_batches`, `accumulations`, `examples`.

    Raises:
        BatchlabError: A process failed, for want of memory most of the time.
    """
    rows: Rows = []
    known = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    known |= {name: keras.ops.convert_to_numpy(known[name]) for name in ("x", "y")}
    for seed in run.seeds:
        for micro in options["micro_batches"]:
            for accumulation in options["accumulations"]:
                size = micro * accumulation
                examples = -(-options["examples"] // size) * size
                settings = run.settings(batch_size=size, accumulation=accumulation)
                request = {"settings": settings, "precision": run.precision, "data": known, "examples": examples}
                rows.append(
                    {
                        "seed": seed,
                        "micro_batch": micro,
                        "accumulation": accumulation,
                        "batch_size": size,
                        "examples": examples,
                        **_in_a_process(request),
                    }
                )
    return Measurement({"process_costs": rows}, {"children": len(rows)})


def _in_a_process(request: Mapping[str, Any]) -> dict[str, float]:
    """Return what `training_process.costs` returns, computed by a new process."""
    path = os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder, "request"), Path(folder, "answer")
        asked.write_bytes(pickle.dumps(request))
        command = [sys.executable, "-m", training_process.__name__, str(asked), str(answer)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": path, "BATCHLAB_DEVICE": "cpu"},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            settings = request["settings"]
            raise BatchlabError(
                f"probe process_costs: the process with B = {settings['batch_size']}, K = {settings['accumulation']} "
                f"ended with status {done.returncode}, perhaps for want of memory; name smaller micro_batches"
            )
        costs: dict[str, float] = json.loads(answer.read_text())
        return costs
