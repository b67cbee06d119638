"""Digests of users' files: exact for small files, remembered for large ones, and written by jobs alone."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from unit.sources import prepare

from batchlab.errors import BatchlabError
from batchlab.sources import fingerprints, listing, manifests, settings
from batchlab.sources import prepare as preparation
from batchlab.sources.fingerprints import RECORD, compute, fingerprint
from batchlab.sources.listing import Entry
from batchlab.sources.settings import resolve
from batchlab.starting.writing import write

HOUR_AGO = time.time_ns() - 3600 * 10**9


def file_of(path: Path, content: bytes, changed: int = HOUR_AGO) -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(changed, changed))
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of a new process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fingerprints, "_known", {})
    monkeypatch.setattr(fingerprints, "_found", {})
    monkeypatch.setattr(fingerprints, "_manifests", {})
    return tmp_path


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "LARGE", 4)


def test_a_small_file_is_read_each_time(folder: Path) -> None:
    path = file_of(folder / "small.npz", b"one")
    assert fingerprint(path) == sha256(b"one")
    assert compute(path) == sha256(b"one")
    # Neither size nor time tells these two apart.
    file_of(path, b"two")
    assert fingerprint(path) == sha256(b"two")
    assert not RECORD.exists()


@pytest.mark.usefixtures("large")
def test_a_large_file_is_read_once_in_a_process_and_planning_writes_nothing(folder: Path) -> None:
    path = file_of(folder / "large.npz", b"12345")
    assert fingerprint(path) == sha256(b"12345")
    file_of(path, b"67890")
    assert fingerprint(path) == sha256(b"12345")
    for changed, content in ((HOUR_AGO + 1, b"67890"), (HOUR_AGO, b"678901")):
        file_of(path, content, changed)
        assert fingerprint(path) == sha256(content)
    assert [item.name for item in folder.iterdir()] == ["large.npz"]


@pytest.mark.usefixtures("large")
def test_what_a_job_remembers_spares_later_processes_the_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {file_of(folder / name, name.encode()): sha256(name.encode()) for name in ("first.npz", "second.npz")}
    for path, digest in files.items():
        assert compute(path) == digest
    monkeypatch.setattr(fingerprints, "sha256_of", lambda path: "was read")
    for path, digest in files.items():
        assert fingerprint(path) == fingerprint(Path(path.name)) == digest
    file_of(folder / "first.npz", b"another", HOUR_AGO + 1)
    assert fingerprint(folder / "first.npz") == "was read"
    monkeypatch.undo()
    fingerprints._known.clear()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(fingerprints, "LARGE", 4)
    assert compute(folder / "first.npz") == sha256(b"another")
    assert RECORD.read_text().count("first.npz") == 1
    assert sha256(b"second.npz") in RECORD.read_text()


@pytest.mark.usefixtures("large")
def test_a_file_that_was_just_written_is_not_remembered(folder: Path) -> None:
    compute(file_of(folder / "new.npz", b"12345", time.time_ns()))
    assert not RECORD.exists()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("record", ["", "[1, 2]", "{", "LARGE"])
def test_a_damaged_record_is_as_good_as_none(folder: Path, record: str) -> None:
    RECORD.parent.mkdir(parents=True)
    path = file_of(folder / "large.npz", b"12345")
    RECORD.write_text(record.replace("LARGE", json.dumps({str(path): [5, HOUR_AGO]})))
    assert fingerprint(path) == sha256(b"12345")
    compute(path)
    assert sha256(b"12345") in RECORD.read_text()


@pytest.mark.usefixtures("large")
def test_the_job_notices_a_change_that_planning_cannot_see(folder: Path) -> None:
    path = folder / "mine.npz"
    np.savez(path, x=np.zeros((20, 2)), y=np.arange(20) % 2)
    os.utime(path, ns=(HOUR_AGO, HOUR_AGO))
    planned = settings.resolve({"file": "mine.npz"})
    np.savez(path, x=np.ones((20, 2)), y=np.arange(20) % 2)
    os.utime(path, ns=(HOUR_AGO, HOUR_AGO))
    assert settings.resolve({"file": "mine.npz"}).identity == planned.identity
    with pytest.raises(BatchlabError, match=r"mine\.npz: has changed since this run was planned; start it again"):
        preparation.prepare({**planned.spec, "file": "mine.npz"}, folder)
    # What the job found is written down, so that starting again plans with the new content.
    fingerprints._known.clear()
    assert settings.resolve({"file": "mine.npz"}).identity != planned.identity
    assert prepare({"file": "mine.npz"}, folder).arrays["x_train"].min() == 1


def images_in(folder: Path, names: str = "ab") -> Path:
    for name in names:
        (folder / "images" / name).mkdir(parents=True, exist_ok=True)
        for number in range(3):
            file_of(folder / "images" / name / f"{number}.png", f"{name}{number}".encode())
    return folder / "images"


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the names of files whose content is read."""
    read, plain = [], manifests._digests

    def digests(root: str, entries: Iterable[Entry]) -> list[tuple[str, str]]:
        read.extend(entry[0] for entry in entries)
        return plain(root, entries)

    monkeypatch.setattr(manifests, "_digests", digests)
    return read


def test_a_folder_is_known_by_names_and_contents_of_its_files(folder: Path) -> None:
    path = images_in(folder)
    listing = "".join(
        f"{name}/{number}.png\0{sha256(f'{name}{number}'.encode())}\n" for name in "ab" for number in range(3)
    )
    assert fingerprint(path) == sha256(listing.encode())
    (path / ".hidden").write_text("no matter")
    assert fingerprint(path) == sha256(listing.encode())


@pytest.mark.usefixtures("large")
def test_of_a_folder_only_new_and_changed_files_are_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = images_in(folder)
    first = fingerprint(path)
    assert [item.name for item in folder.iterdir()] == ["images"]  # planning has written nothing
    fingerprints.remember()
    read = opened(monkeypatch)

    def again() -> str:
        """Plan in a new process."""
        read.clear()
        fingerprints._known.clear()
        fingerprints._manifests.clear()
        return fingerprint(path)

    assert again() == first
    assert read == []
    os.utime(path / "a/1.png", ns=(HOUR_AGO + 1, HOUR_AGO + 1))
    assert again() == first  # touched, and still the same data
    assert read == ["a/1.png"]
    file_of(path / "b/2.png", b"b9", HOUR_AGO + 2)
    file_of(path / "b/3.png", b"new")
    changed = again()
    assert changed != first
    assert read == ["a/1.png", "b/2.png", "b/3.png"]
    fingerprints.remember()
    assert again() == changed
    assert read == []
    # A file that takes the place of another one with its size and time is a new one.
    file_of(folder / "other.png", b"c9", HOUR_AGO + 2).replace(path / "b/2.png")
    assert again() not in (first, changed)
    assert read == ["b/2.png"]


@pytest.mark.usefixtures("large")
def test_a_first_campaign_spares_the_first_dry_run_the_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        (folder / "images" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        file_of(folder / "images" / "ab"[number % 2] / f"{number}.png", b"\x89PNG" + bytes([number]))
    write("images", None, "first", "size: 8", folder / "config")
    fingerprints._known.clear()
    fingerprints._manifests.clear()
    read = opened(monkeypatch)
    assert resolve({"file": "images", "size": 8}).shape.examples_train == 42
    assert read == []


@pytest.mark.usefixtures("large")
def test_a_job_reads_all_of_a_folder_and_writes_that_down(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = images_in(folder)
    digest = compute(path)
    read = opened(monkeypatch)
    assert fingerprint(path) == digest
    assert read == []
    assert compute(path) == digest
    assert len(read) == 6


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("damage", ["", "[]", '{"a/0.png": 3}', "{"])
def test_a_damaged_manifest_is_as_good_as_none(folder: Path, damage: str) -> None:
    path = images_in(folder)
    digest = compute(path)
    for manifest in manifests._FOLDER.iterdir():
        manifest.write_text(damage)
    RECORD.unlink()
    assert fingerprint(path) == digest


def test_a_folder_is_listed_once_while_a_data_set_is_planned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, listed, plain = images_in(folder), [], listing._listed
    monkeypatch.setattr(listing, "_listed", lambda each: (listed.append(each), plain(each))[1])
    for image in path.rglob("*.png"):
        image.write_bytes(b"\x89PNG")
    settings.resolve({"file": str(path), "size": 4, "test": 2, "validation": 0})
    assert listed == [path]
    settings.resolve({"file": str(path), "size": 4, "test": 2, "validation": 0})
    assert listed == [path, path]


def test_a_missing_file_is_one_line_that_says_where_paths_start(folder: Path) -> None:
    for path, words in (
        (Path("absent.npz"), "No such file"),
        (Path(os.devnull), "is not a file"),
        (Path("a\0b"), "null"),
    ):
        with pytest.raises(BatchlabError, match=words) as problem:
            fingerprint(path)
        assert "\n" not in str(problem.value)
