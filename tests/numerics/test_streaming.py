"""Data on disk give the numbers of data in memory, bit by bit, in the same order, in either core."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numerics import cases, streaming_side

from batchlab.backend import streamed
from batchlab.backend.stored_rows import StoredRows
from batchlab.errors import BatchlabError
from batchlab.training import segment
from batchlab.training.current_task import task_of


def test_training_on_disk_is_training_in_memory(tmp_path: Path) -> None:
    streaming_side.compare(tmp_path, whole=False)


@pytest.mark.slow
def test_training_on_disk_is_training_in_memory_with_normalisation(tmp_path: Path) -> None:
    streaming_side.compare(tmp_path, whole=True)


@pytest.mark.slow
def test_training_on_disk_is_training_in_memory_with_tokens_and_weights(tmp_path: Path) -> None:
    streaming_side.compare_tokens(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt")
def test_training_on_disk_is_training_in_memory_with_jax(tmp_path: Path) -> None:
    environment = {**os.environ, "BATCHLAB_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, streaming_side.__file__, str(tmp_path)], env=environment, check=True)


@pytest.mark.parametrize("stored", ["float64", "uint8"])
def test_rows_are_read_from_their_places_in_the_file(tmp_path: Path, stored: str) -> None:
    arrays = cases.arrays(examples=40, shape=(3, 2), stored=stored)
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    names = ["x_train", "x_validation", "x_test"]
    rows = StoredRows(path, names)
    whole = np.concatenate([arrays[name] for name in names])
    assert rows.shape == whole.shape
    assert np.array_equal(np.asarray(rows[:5]), whole[:5].astype(np.asarray(rows[:5]).dtype))
    draw = np.random.default_rng(0)
    for numbers in (np.arange(60), draw.permutation(60), draw.integers(0, 60, 100), np.array([39, 40, 50, 51])):
        found = np.empty((len(numbers), 3, 2), whole.dtype)
        rows.read(numbers, found)
        assert np.array_equal(found, whole[numbers])


def test_data_that_fit_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, **cases.arrays(examples=3000, shape=(50,)))  # 1.2 MB
    assert not streamed.is_streamed(streamed.read(str(path), task_of({})))
    monkeypatch.setenv(streamed.VARIABLE, "1")
    assert streamed.is_streamed(streamed.read(str(path), task_of({})))
    monkeypatch.setenv(streamed.VARIABLE, "much")
    with pytest.raises(BatchlabError, match="BATCHLAB_DATA_MEMORY='much' in the environment; set it to a number"):
        streamed.read(str(path), task_of({}))


def test_a_batch_larger_than_the_window_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, data = streaming_side.both(tmp_path, cases.arrays(examples=streaming_side.EXAMPLES, shape=(6,)))
    monkeypatch.setattr(streamed, "memory", lambda: 10_000)
    settings = cases.spec(batch_size=1200, stop=1200)
    start = segment.initialise(settings, data).snapshot
    with pytest.raises(BatchlabError, match=r"batch_size: .* takes 1200 examples, .* 1024 are in memory"):
        segment.train(settings, data, start, start)


def test_a_damaged_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **cases.arrays())
    monkeypatch.setattr(streamed, "memory", lambda: 10)
    with pytest.raises(BatchlabError, match="is compressed; delete it and run again"):
        streamed.read(str(path), task_of({}))
    path.write_bytes(b"nothing")
    with pytest.raises(BatchlabError, match="is not an intact prepared data set"):
        streamed.read(str(path), task_of({}))
    with pytest.raises(BatchlabError, match="absent"):
        streamed.read(str(tmp_path / "absent.npz"), task_of({}))
