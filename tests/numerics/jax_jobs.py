"""Jobs for a process on JAX, since a process has one backend, and rows of tables that two cores give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.training import state

# Jobs that train the same way share what JAX compiles: a third of the time.
COMPILED_ONCE = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}


class Jax:
    """Jobs for the process on JAX, and their results once it has run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._jobs: list[dict[str, Any]] = []

    def add(self, name: str, kind: str, spec: dict[str, Any], precision: str = "float64", **more: Any) -> None:
        snapshots = {}
        for key in ("initial", "parent", "against"):
            if key in more:
                snapshots[key] = f"{name}-{key}.npz"
                state.write(self.folder / snapshots[key], more.pop(key))
        job = {"name": name, "kind": kind, "spec": spec, "precision": precision, "data": {}, **more, **snapshots}
        self._jobs.append(job)

    def run(self, cores: int = 0) -> None:
        (self.folder / "jobs.json").write_text(json.dumps(self._jobs))
        device = os.environ.get("BATCHLAB_TEST_DEVICE", "cpu")
        chosen = {"BATCHLAB_BACKEND": "jax", "BATCHLAB_DEVICE": device, "PYTHONPATH": os.pathsep.join(sys.path)}
        environment = {**os.environ, **chosen, **COMPILED_ONCE, "JAX_COMPILATION_CACHE_DIR": str(self.folder / "cache")}
        command = [sys.executable, str(Path(__file__).with_name("jax_side.py")), str(self.folder)]
        subprocess.run([*command, str(cores)] if cores else command, env=environment, timeout=600, check=True)

    def snapshot(self, name: str) -> state.Snapshot:
        return state.read(self.folder / f"{name}.npz")

    def __getitem__(self, name: str) -> Any:
        return json.loads((self.folder / f"{name}.json").read_text())


def numbers(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any]]:
    """Return the columns of each row with the texts in them, and all numbers; the measured seconds are left out."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
    texts = [{key: value if isinstance(value, str) else None for key, value in row.items()} for row in rows]
    return texts, np.array([float(value) for row in rows for value in row.values() if not isinstance(value, str)])


def assert_same_rows(found: list[dict[str, Any]], expected: list[dict[str, Any]], rtol: float) -> None:
    """Compare rows: columns and texts exactly, numbers within a tolerance, relative and absolute."""
    (texts, values), (wanted, exact) = numbers(found), numbers(expected)
    assert texts == wanted
    np.testing.assert_allclose(values, exact, rtol=rtol, atol=rtol)
