"""Data on a node's own disk: copied once, copied again when they have changed, and never needed."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from batchlab.records import scratch


class Usage(NamedTuple):
    free: int


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NODE", str(tmp_path))
    monkeypatch.setenv(scratch.VARIABLE, "$NODE/disk")
    (tmp_path / "disk").mkdir()
    path = tmp_path / "data.npz"
    path.write_bytes(b"examples")
    return path


def test_one_of_many_jobs_copies_and_all_read_the_copy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = []

    def slowly(source: str, target: Path) -> None:
        copies.append(target)
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr(shutil, "copyfile", slowly)
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: scratch.copied(str(data)), range(8)))
    assert len(copies) == len(found) == 1
    [copy] = map(Path, found)
    assert copy.read_bytes() == b"examples" and copy.is_relative_to(data.parent / "disk")


def test_changed_data_are_copied_again(data: Path) -> None:
    before = scratch.copied(str(data))
    data.write_bytes(b"others")
    assert Path(scratch.copied(str(data))).read_bytes() == b"others"
    assert Path(before).read_bytes() == b"examples"  # of jobs that still read it


@pytest.mark.parametrize("broken", ["no room", "no disk", "no name"])
def test_without_room_or_disk_data_are_read_where_they_lie(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    if broken == "no room":
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free=scratch._SPARE + 7))
    elif broken == "no disk":
        shutil.rmtree(data.parent / "disk")
    else:
        monkeypatch.delenv("NODE")
    assert scratch.copied(str(data)) == str(data)
    assert f"batchlab: {data} is read where it lies: " in capsys.readouterr().err
    assert not list(data.parent.rglob("*.npz"))[1:]
