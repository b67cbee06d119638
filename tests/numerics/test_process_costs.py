"""What training costs, as child processes tell it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numerics import cases

from batchlab.errors import BatchlabError
from batchlab.probes.process_costs import child
from batchlab.probes.process_costs.measure import measure

OPTIONS = {"micro_batches": [2, 8], "accumulations": [1, 4], "examples": 100}
# A child that needs no Keras: what it is asked becomes its answer.
ECHO = "import json, sys; s = json.load(sys.stdin); print(json.dumps({'n': s['examples'], **s['run']}))"


def test_every_setting_has_a_process_and_seeds_are_interleaved() -> None:
    spec = {**cases.spec(), "precision": "float32", "seeds": [5, 6]}
    tables, facts = measure(spec, "data", OPTIONS, (sys.executable, "-c", ECHO))
    rows = tables["process_costs"]
    assert facts == {"processes": 8}
    settings = [(row["seed"], row["micro_batch"], row["accumulation"]) for row in rows]
    assert settings == [(seed, micro, k) for seed in (5, 6) for micro in (2, 8) for k in (1, 4)]
    # Whole updates, at least the wanted number of examples.
    assert [(row["batch_size"], row["examples"]) for row in rows[:4]] == [(2, 100), (8, 104), (8, 104), (32, 128)]
    assert all(row["n"] == row["examples"] for row in rows)


def test_a_process_that_fails_is_named() -> None:
    with pytest.raises(BatchlabError, match="process with B = 2, K = 1 ended with status 3"):
        spec = {**cases.spec(), "precision": "float32"}
        measure(spec, "data", OPTIONS, (sys.executable, "-c", "raise SystemExit(3)"))


def test_a_child_trains_on_whatever_the_data_hold(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **cases.arrays())
    run: dict[str, Any] = {**cases.spec(), "precision": "float32", "batch_size": 64, "accumulation": 4}
    found = child.costs({"run": run, "data": str(tmp_path / "data.npz"), "examples": 128})  # of 55
    assert 100 < found["peak_memory"] < 8000 and 0 <= found["update_memory"] < found["peak_memory"]
    assert 0 < found["seconds_per_1000"] < 60


def test_what_is_held_for_a_while_is_in_the_peak() -> None:
    before = child.forget_peak()
    held = np.ones(2**24)  # 128 MiB
    del held
    assert 100 < (child.peak() - before) / 2**20 < 200
