"""Keeps two processes from working on one job at the same time, without locks of the file system.

A job outlives a Snakemake that was killed, and the same job of the next one must not work beside it, here or on another
node of a cluster that shares the folder. So each notes which process works on it, and waits while the noted one lives.
A process of this machine lives if it is there. One of another machine lives as long as it touches its note, which a
thread does every few seconds; how old a note is, the clock of the file system tells, so clocks of nodes need not agree.
A process that was away for long (a node asleep, a job that was suspended) finds another one in its note and ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batchlab.files import write_text

# Seconds between two looks at a process that is waited for, at first and in the end.
_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
# Seconds after which a note that cannot be read is taken for a damaged one.
_WRITTEN = 5.0
# Seconds between two signs of life, and of silence after which a process of another machine is taken for dead.
_BEAT, _SILENT = 10.0, 60.0


def _started(process: int) -> str:
    """Return when a process of this machine began, which tells it from a later one of the same number; "" if dead."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    else:
        # After the name, which may hold anything, in brackets; a zombie (Z) has ended.
        fields = text.rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(process)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def _machine() -> list[str]:
    """Return what tells apart places in which numbers of processes mean something: host, start of it, container."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return parts


def _text(note: Path) -> str | None:
    """Return what a note says; None where there is none."""
    try:
        return note.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _age(note: Path) -> float:
    """Return the seconds since a note was touched, by the clock of its file system; 0 if it is gone."""
    # Opened, because network file systems look up the times of a file then.
    with (
        tempfile.TemporaryFile(dir=note.parent) as now,
        contextlib.suppress(FileNotFoundError),
        note.open("rb") as file,
    ):
        return os.fstat(now.fileno()).st_mtime - os.fstat(file.fileno()).st_mtime
    return 0.0


@dataclass
class _Other:
    """What a process that waits knows of the one that is noted.

    Attributes:
        text: The note.
        touched: Age of the note minus the clock of this process: the same until it is touched again.
        since: When it was last seen to be touched, by the clock of this process.
    """

    text: str = ""
    touched: float = 0.0
    since: float = 0.0

    def lives(self, note: Path, text: str) -> bool:
        """Return whether the process of a note still works."""
        try:
            found = json.loads(text)
            machine, process, started = found["machine"], int(found["process"]), found["started"]
            if "failed" in found:
                return False
        except (ValueError, KeyError, TypeError):
            return _age(note) < _WRITTEN
        if machine == _machine() and started:
            return _started(process) == started
        # A file server that was away makes every note old; so silence is believed only after two beats of our own.
        now, age = time.monotonic(), _age(note)
        if text != self.text or now - age > self.touched + 1:
            self.text, self.touched, self.since = text, now - age, now
        return age < _SILENT or now - self.since < 2 * _BEAT


def _write(note: Path, own: str) -> bool:
    """Write a note unless there is one; return whether it was written."""
    note.parent.mkdir(parents=True, exist_ok=True)
    try:
        with note.open("x", encoding="utf-8") as file:
            file.write(own)
    except FileExistsError:
        return False
    return True


def _clear(note: Path, dead: str) -> None:
    """Delete the note of a dead process, unless another one has done so and written its own since we read it."""
    # Only one process at a time may delete this note, and it looks again before it does.
    claim = note.with_name(f"{note.name}.{hashlib.sha256(dead.encode()).hexdigest()[:16]}")
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        if _age(claim) > _SILENT:  # of a process that was killed in the three lines below
            claim.unlink(missing_ok=True)
        return
    try:
        if _text(note) == dead:
            note.unlink(missing_ok=True)
    finally:
        claim.unlink(missing_ok=True)


def _beat(note: Path, own: str, over: threading.Event) -> None:
    """Touch a note until the job is over; end this process if another one has taken the job."""
    while not over.wait(_BEAT):
        try:
            found = _text(note)
            if found is None and not over.is_set() and _write(note, own):
                continue
            if found == own:
                os.utime(note)
            elif found is not None:
                break
        except OSError:
            continue  # a file server that is away
    else:
        return
    told = "batchlab: error: this process gave no sign of life, and another one has taken its job; that one goes on"
    os.write(2, f"{told}\n".encode())
    os._exit(1)


@dataclass(frozen=True)
class Earlier:
    """Earlier attempts at a job that did not end well: how many, and the seconds that they took."""

    attempts: int = 0
    seconds: float = 0.0

    def and_that_of(self, note: Path, text: str, of: str) -> Earlier:
        """Return these attempts, or those of a dead process's note if it worked on the same thing."""
        try:
            found = json.loads(text)
            if found["of"] != of:
                return self
            until = found.get("failed") or note.stat().st_mtime
            return Earlier(found["attempts"] + 1, found["seconds"] + max(0.0, until - found["began"]))
        except (OSError, ValueError, KeyError, TypeError):
            return self


@contextlib.contextmanager
def alone(note: Path, of: str = "") -> Iterator[Earlier]:
    """Run the block while no other process runs it with the same note, on this machine or on one that shares the file.

    If the block raises, the note stays and says so; nobody waits for it.

    Args:
        note: File that says which process is at work; it is there as long as the block runs.
        of: What is worked on: digest of settings and code. Attempts at something else do not count as earlier ones.

    Yields:
        Earlier attempts at the same thing, which were killed or failed.
    """
    me = {"host": platform.node(), "machine": _machine(), "process": os.getpid(), "started": _started(os.getpid())}
    me |= {"token": os.urandom(8).hex(), "of": of, "began": time.time()}

    def saying(**more: float) -> str:
        return json.dumps(me | {"attempts": earlier.attempts, "seconds": earlier.seconds} | more)

    earlier = Earlier()
    other, pause, told = _Other(), _PAUSE, ""
    while not _write(note, saying()):
        text = _text(note)
        if text is None:
            continue
        if not other.lives(note, text):
            earlier = earlier.and_that_of(note, text, of)
            _clear(note, text)
            continue
        if text != told:
            told = text
            print(f"batchlab: waits for {_named(text)}, which works on the same job", file=sys.stderr, flush=True)
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    own, over = saying(), threading.Event()
    thread = threading.Thread(target=_beat, args=(note, own, over), daemon=True)
    thread.start()
    failed = {}
    try:
        yield earlier
    except BaseException:
        failed = {"failed": time.time()}
        raise
    finally:
        over.set()
        thread.join(1.0)  # or it might write the note again; not for longer, if a file server does not answer
        if _text(note) == own:
            if failed:
                write_text(note, saying(**failed))
            else:
                note.unlink(missing_ok=True)


def _named(text: str) -> str:
    """Return the process of a note in words."""
    try:
        found = json.loads(text)
        return f"process {found['process']} on {found['host']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
