"""Probes on data on disk measure what they measure on data in memory, bit by bit on the TensorFlow core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases, streaming_side
from numerics.test_probe_tables import SNAPSHOTS
from slow import slow_but

from batchlab.backend import streamed
from batchlab.backend.resident import Resident
from batchlab.declarations import find
from batchlab.errors import BatchlabError
from batchlab.models.construction import build_model
from batchlab.probes import measuring
from batchlab.training import core, segment, state

# What each probe is asked for: rows that together take more than one window of 1,024 of the 2,301 examples.
OPTIONS: dict[str, dict[str, Any]] = {
    "averaged_weights": {"half_lives": [1.5]},
    "broken_accumulation": {"updates": 3, "accumulation": 4, "breakers": ["mean_of_means"]},
    "curvature": {"examples": 1500, "tolerance": 0.1},
    "gradient_competition": {"examples": 64, "draws": 2, "batch_sizes": [64], "trials": 20, "bins": 4},
    "gradient_norms": {"batch_sizes": [16, 256], "trials": 6, "samples": 256},
    "interpolation": {"points": 3},
    "layer_noise": {"examples": 64, "draws": 2},
    "noise_scale": {"examples": 64, "part": 16, "draws": 3},
    "one_step": {"batch_sizes": [64], "draws": 2, "held_out": 11, "steps": 3},
    "paths": {"batch_sizes": [16, 64], "examples": 256, "every": 64, "grid": 2, "surface_examples": 1200},
    "running_statistics": {},
    "sharpness": {"examples": 1500, "iterations": 2, "directions": 3},
    "surroundings": {"directions": 1, "points": 3, "grid": 2, "surface_examples": 1200},
    "trajectory": {"updates": 3, "batch_sizes": [16]},
    "weight_drift": {"updates": 3, "accumulations": [1, 4]},
}
QUICK = ("curvature",)


def measured(name: str, data: Resident, snapshots: list[state.Snapshot], model: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of a probe."""
    positions = [snapshot.positions[0].examples for snapshot in snapshots]
    spec = {**cases.spec(model=model), "positions": positions, "probe": {"name": name, **OPTIONS[name]}}
    return measuring.measure(spec, data, tuple(snapshots)).tables


def test_every_probe_is_compared() -> None:
    assert sorted(OPTIONS) == [name for name, probe in sorted(find.probes().items()) if not probe.apart]


@pytest.mark.parametrize("name", slow_but(OPTIONS, *QUICK))
def test_a_probe_on_disk_is_the_probe_in_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory, on_disk = streaming_side.both(
        tmp_path, cases.arrays(examples=streaming_side.EXAMPLES, shape=(6,), stored="uint8")
    )
    # Statistics of normalisation are taken over all examples, so with it all of them are in the window.
    model = streaming_side.NORMALISED["model"] if name == "running_statistics" else cases.MLP
    monkeypatch.setattr(streamed, "memory", lambda: 10_000)
    snapshots = [cases.initial(in_memory, cases.spec(model=model))]
    while len(snapshots) < SNAPSHOTS[find.probes()[name].reads]:
        start = snapshots[-1].positions[0].examples
        further = cases.spec(model=model, start=start, stop=start + 160)
        snapshots.append(segment.train(further, in_memory, snapshots[0], snapshots[-1]).snapshot)
    expected = measured(name, in_memory, snapshots, model)
    found = measured(name, on_disk, snapshots, model)
    for table, rows in expected.items():
        assert rows
        assert [streaming_side.untimed(row) for row in found[table]] == [streaming_side.untimed(row) for row in rows]


def test_a_gradient_in_training_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = streaming_side.both(tmp_path, cases.arrays(examples=streaming_side.EXAMPLES, shape=(6,)))
    monkeypatch.setattr(streamed, "memory", lambda: 10_000)
    rows = np.arange(1000, 2000, dtype=np.int32)
    found = []
    for data in both:
        cases.runtime.keras.utils.set_random_seed(0)
        model = build_model(cases.MLP, data.shape, data.output_shape)
        replica = cases.replica_of(model, data)
        replica.restore([state.capture(state.variables_of(model))])
        found.append(core.gradient(replica, rows))
    for one, other in zip(*found, strict=True):
        assert one.any()
        assert np.array_equal(one, other)


def test_rows_that_the_window_cannot_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, data = streaming_side.both(tmp_path, cases.arrays(examples=streaming_side.EXAMPLES, shape=(6,)))
    monkeypatch.setattr(streamed, "memory", lambda: 10_000)
    replica = cases.replica_of(build_model(cases.MLP, data.shape, data.output_shape), data)
    run = core.inner_products(replica)
    with pytest.raises(BatchlabError, match=r"this probe takes 1200 examples, .* BATCHLAB_DATA_MEMORY"):
        run(np.arange(1200, dtype=np.int32))
