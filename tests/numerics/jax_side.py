"""The JAX side of the tests of the two cores: a process has one backend only, so this one runs by itself.

`python jax_side.py FOLDER` does every job of `FOLDER/jobs.json` and writes `<name>.json` and, where the job trains,
`<name>.npz`. A job has a `kind` (see `KINDS`), a `spec`, a `precision`, the arguments `data` of `cases.resident`, and
the snapshots `initial` and `parent` by file name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numerics import cases

from batchlab.backend import runtime
from batchlab.backend.resident import Resident
from batchlab.errors import BatchlabError
from batchlab.jax_core import memory_budget
from batchlab.jax_core.functional import forward, present_values
from batchlab.jax_core.vectorising import vectorisation_rule
from batchlab.models.construction import build_model
from batchlab.models.signature import built_in_models
from batchlab.probes import measuring
from batchlab.training import core, segment, state
from batchlab.training.checkpoint import Checkpoint
from batchlab.training.frozen_model import FrozenModel
from batchlab.training.model_trial import try_model
from batchlab.training.trainer import Trainer

Job = dict[str, Any]


def train(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Train a segment, with as many deaths after a checkpoint as the job says."""
    initial, parent = (state.read(folder / job[name]) for name in ("initial", "parent"))
    path = folder / f"{job['name']}.checkpoint.npz"
    for _ in range(job.get("deaths", 0)):
        try:
            segment.train(job["spec"], data, initial, parent, Dying(path, "digest", 0.0))
        except KeyboardInterrupt:
            continue
        raise AssertionError("the training survived")
    result = segment.train(job["spec"], data, initial, parent, Checkpoint(path, "digest", 0.0))
    state.write(folder / f"{job['name']}.npz", result.snapshot)
    return {"history": result.history, "distances": result.distances, "facts": result.facts}


class Dying(Checkpoint):
    """A checkpoint after which the process is killed."""

    def write(self, progress: dict[str, Any], arrays: state.Arrays) -> None:
        super().write(progress, arrays)
        raise KeyboardInterrupt


def initialise(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Draw initial weights."""
    result = segment.initialise(job["spec"], data)
    state.write(folder / f"{job['name']}.npz", result.snapshot)
    return {"history": result.history, "distances": result.distances}


def learning_rates(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Train segments together that differ in their learning rates, and write them as one snapshot, rate after rate."""
    start = state.read(folder / job["initial"])
    specs = [{**job["spec"], "learning_rate": rate} for rate in job["learning_rates"]]
    found = segment.train_together([segment.Run(spec, start, start) for spec in specs], data)
    arrays = {key: np.concatenate([each.snapshot.arrays[key] for each in found]) for key in found[0].snapshot.arrays}
    seeds, positions = (sum((getattr(each.snapshot, name) for each in found), ()) for name in ("seeds", "positions"))
    state.write(folder / f"{job['name']}.npz", state.Snapshot(seeds, arrays, positions))
    return {"history": [each.history for each in found], "facts": found[0].facts}


def measure(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Run a probe, within a memory budget where the job has one."""
    usual = memory_budget.BUDGET["cpu"]
    memory_budget.BUDGET["cpu"] = job.get("budget", usual)
    try:
        read = tuple(state.read(folder / job[key]) for key in ("parent", "against") if key in job)
        found = measuring.measure(job["spec"], data, read)
    finally:
        memory_budget.BUDGET["cpu"] = usual
    return dict(found.tables)


def _told(attempt: Callable[[], Any]) -> dict[str, Any]:
    """Return what an attempt finds, or the message of its error."""
    try:
        return dict(attempt())
    except BatchlabError as problem:
        return {"error": str(problem)}


def refused(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Ask for what cannot be had."""
    return _told(lambda: Trainer(job["spec"], data).facts)


def tried(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Try a user's model as the rule `check_model` does."""
    return _told(lambda: try_model(job["spec"]["model"], data))


def along(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Return loss and slope of some examples at points along a direction in the space of weights."""
    model = FrozenModel(job["spec"]["model"], data)
    model.load(state.read(folder / job["parent"]), 3)
    run = core.over_rows(model.replicas, cases.losses_and_slopes(job["steps"]), 2 * len(job["steps"]))
    direction = [np.asarray(part) for part in job["direction"]]
    return {"values": run(np.asarray(job["rows"], np.int32), direction).tolist()}


def choices(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Return for each shipped model whether replicas are computed side by side, with the pass and without it."""
    found = {}
    for name in built_in_models():
        try:
            model = build_model({"name": name}, data.shape, data.output_shape)
        except BatchlabError:  # it takes tokens
            continue
        found[name] = [vectorisation_rule(model)[0]]
        os.environ["BATCHLAB_WITHOUT"] = "convolutions_one_by_one"
        found[name].append(vectorisation_rule(model)[0])
        del os.environ["BATCHLAB_WITHOUT"]
    return found


def stateless(job: Job, data: Resident, folder: Path) -> dict[str, Any]:
    """Return the largest differences between our pure function of a model and Keras' own, in training mode."""
    model = build_model(job["spec"]["model"], data.shape, data.output_shape)
    trainable, fixed = present_values(model)
    inputs = data.inputs(data.x[:5])
    outputs, after, _ = forward(model, trainable, fixed, inputs, True)
    expected, wanted = model.stateless_call(trainable, fixed, inputs, training=True)
    pairs = zip([outputs, *after], [expected, *wanted], strict=True)
    moved = [float(np.abs(new - old).max()) for new, old in zip(wanted, fixed, strict=True)]
    return {"differences": [float(np.abs(one - other).max()) for one, other in pairs], "moved": moved}


KINDS: dict[str, Callable[[Job, Resident, Path], dict[str, Any]]] = {
    "train": train,
    "initialise": initialise,
    "learning_rates": learning_rates,
    "measure": measure,
    "refused": refused,
    "tried": tried,
    "along": along,
    "choices": choices,
    "stateless": stateless,
}


def main(folder: Path) -> None:
    """Do every job and write what this process is."""
    for job in json.loads((folder / "jobs.json").read_text()):
        with cases.precision(job["precision"]):
            result = KINDS[job["kind"]](job, cases.resident(**job["data"]), folder)
        (folder / f"{job['name']}.json").write_text(json.dumps(result))
    process = {"facts": runtime.configure(), "modules": sorted({name.partition(".")[0] for name in sys.modules})}
    (folder / "process.json").write_text(json.dumps(process))


if __name__ == "__main__":
    if len(sys.argv) > 2:  # on so many cores only
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
    main(Path(sys.argv[1]))
