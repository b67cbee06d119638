"""The choice of backend and device, and what the records say about it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from batchlab.backend import runtime
from batchlab.configuration import machine
from batchlab.errors import BatchlabError


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt")
@pytest.mark.parametrize(
    ("flags", "deterministic"),
    [("--xla_cpu_enable_fast_math=false", True), ("--xla_cpu_multi_thread_eigen=true", False)],
)
def test_flags_of_the_user_that_undo_determinism_are_recorded(flags: str, deterministic: bool) -> None:
    code = "from batchlab.backend import runtime; print(runtime.configure()['deterministic'])"
    environment = {**os.environ, "BATCHLAB_BACKEND": "jax", "XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert result.stdout.split() == [str(deterministic)]


def test_the_workflow_offers_what_the_cores_know() -> None:
    assert machine.CHOICES == {"backend": runtime.BACKENDS, "device": runtime.DEVICES}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("torch", "BATCHLAB_BACKEND='torch'.*tensorflow or jax"), ("jax", "JAX is not installed.*install jax")],
)
def test_a_backend_that_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch, wanted: str, message: str) -> None:
    monkeypatch.setattr(runtime, "_WANTED", wanted)
    with pytest.raises(BatchlabError, match=message):
        runtime.configure()


def test_an_unknown_precision_or_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BatchlabError, match="precision: 'float16'"):
        runtime.configure("float16")
    monkeypatch.setenv("BATCHLAB_DEVICE", "tpu")
    with pytest.raises(BatchlabError, match="BATCHLAB_DEVICE='tpu'"):
        runtime.configure()
