"""Only one process works on a job: on one machine, on two that share a folder, and after a process was killed."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchlab.records import running

# Works on a job with the given name of its machine, until there is a file `go`; it says when it began and ended. Signs
# of life come 50 times as often as outside of tests.
PROGRAM = """
import pathlib, sys, time
from batchlab.records import running
name, host = sys.argv[1:]
running._BEAT, running._SILENT, running._LONGEST_PAUSE = 0.2, 1.2, 0.1
if host:
    running._machine = lambda: [host]
with running.alone(pathlib.Path("note.json")):
    pathlib.Path(name + ".begun").write_text(str(time.monotonic()))
    while not pathlib.Path(name + ".go").exists():
        time.sleep(0.01)
    pathlib.Path(name + ".ended").write_text(str(time.monotonic()))
"""


def start(folder: Path, name: str, host: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, name, host],
        cwd=folder,
        text=True,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(running.__file__).parents[2])},
    )


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("host", ["", "another"])
def test_the_second_process_waits_until_the_first_has_ended(tmp_path: Path, host: str) -> None:
    first = start(tmp_path, "first")
    until((tmp_path / "first.begun").exists)
    second = start(tmp_path, "second", host)
    assert second.stderr is not None
    assert second.stderr.readline() == (
        f"batchlab: waits for process {first.pid} on {platform.node()}, which works on the same job\n"
    )
    time.sleep(1.5)  # longer than the silence after which a process of another machine is taken for dead
    assert not (tmp_path / "second.begun").exists() and second.poll() is None
    (tmp_path / "first.go").touch()
    (tmp_path / "second.go").touch()
    assert first.wait(20) == second.wait(20) == 0
    assert float((tmp_path / "first.ended").read_text()) <= float((tmp_path / "second.begun").read_text())
    assert not (tmp_path / "note.json").exists()


def test_a_process_on_another_machine_that_was_killed_is_replaced_after_its_silence(tmp_path: Path) -> None:
    first = start(tmp_path, "first", "another")
    until((tmp_path / "first.begun").exists)
    first.kill()
    killed = time.monotonic()
    second = start(tmp_path, "second")
    (tmp_path / "second.go").touch()
    assert second.wait(20) == 0
    assert float((tmp_path / "second.begun").read_text()) - killed >= 1
    assert first.wait() == -signal.SIGKILL


def test_a_process_that_was_away_ends_when_another_one_has_its_job(tmp_path: Path) -> None:
    first = start(tmp_path, "first", "another")
    until((tmp_path / "first.begun").exists)
    first.send_signal(signal.SIGSTOP)
    second = start(tmp_path, "second")
    until((tmp_path / "second.begun").exists)
    first.send_signal(signal.SIGCONT)
    assert first.wait(20) == 1
    assert first.stderr is not None and "another one has taken its job" in first.stderr.read()
    assert second.poll() is None
    (tmp_path / "second.go").touch()
    assert second.wait(20) == 0 and not (tmp_path / "first.ended").exists()


def test_of_many_that_find_a_dead_process_one_works_at_a_time(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    note.write_text(json.dumps({"machine": running._machine(), "process": 2**22 + 1, "started": "1", "host": "x"}))
    at_work, most, done = 0, 0, 0

    def work() -> None:
        nonlocal at_work, most, done
        with running.alone(note):
            at_work += 1
            most = max(most, at_work)
            time.sleep(0.003)
            at_work -= 1
            done += 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (1, 12)
    assert list(tmp_path.iterdir()) == []


MACHINE = running._machine()


@pytest.mark.parametrize(
    "note",
    [
        {"machine": MACHINE, "process": 2**22 + 1, "started": "1"},  # a number that no process has
        {"machine": MACHINE, "process": os.getpid(), "started": "long ago"},  # another process had this number
        {"process": "?"},
    ],
)
def test_a_note_of_no_living_process_is_replaced(tmp_path: Path, note: dict[str, object]) -> None:
    path = tmp_path / "note.json"
    path.write_text(json.dumps(note))
    os.utime(path, (1_000_000, 1_000_000))
    with running.alone(path):
        assert json.loads(path.read_text())["process"] == os.getpid()
    assert not path.exists()


def test_earlier_attempts_at_the_same_thing_are_counted_with_their_time(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    began = time.time() - 100
    dead = {"machine": MACHINE, "process": 2**22 + 1, "started": "1", "began": began, "attempts": 1, "seconds": 30.0}
    for of, expected in (("this", (2, 90.0)), ("that", (0, 0.0))):
        note.write_text(json.dumps({**dead, "of": "this"}))
        os.utime(note, (began + 60, began + 60))  # the last sign of life
        with running.alone(note, of) as earlier:
            assert (earlier.attempts, round(earlier.seconds, 3)) == expected


def test_a_failure_is_an_earlier_attempt_for_which_nobody_waits(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), running.alone(note, "this"):
            time.sleep(0.05)
            raise ValueError("no")
    with running.alone(note, "this") as earlier:
        assert earlier.attempts == 2
        assert 0.1 <= earlier.seconds < 2
    assert not note.exists()


def test_nobody_deletes_the_note_of_one_that_was_quicker(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    note.write_text("of one that was quicker")
    running._clear(note, "of the dead process")
    assert note.read_text() == "of one that was quicker"
