"""Keeps two processes from working on one job at the same time, without locks of the file system.

A job outlives a Snakemake that was killed, and the same job of the next one must not write beside it. So each notes
which process works on it, and waits while another one that is noted still lives. A process that was killed leaves its
note behind; it does no harm, because its process is found to be dead. Of a process on another machine this cannot be
found out: then both go on. That is safe too, if wasteful: every file is written elsewhere and renamed, both compute the
same, and a record describes the bytes that its own process wrote.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_PAUSE = 0.2  # seconds between two looks at a process that is waited for
_WRITTEN = 5.0  # seconds after which a note that cannot be read is taken for a damaged one


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


def _lives(note: Path) -> bool:
    """Return whether the process of a note still works."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        host, process, started = found["host"], int(found["process"]), found["started"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        with contextlib.suppress(FileNotFoundError):
            return time.time() - note.stat().st_mtime < _WRITTEN
        return False
    return host == platform.node() and bool(started) and _started(process) == started


@contextlib.contextmanager
def alone(note: Path) -> Iterator[None]:
    """Run the block while no other process of this machine runs it with the same note.

    Args:
        note: File that says which process is at work; it is there as long as the block runs.
    """
    note.parent.mkdir(parents=True, exist_ok=True)
    own = json.dumps({"host": platform.node(), "process": os.getpid(), "started": _started(os.getpid())})
    while True:
        try:
            with note.open("x", encoding="utf-8") as file:
                file.write(own)
            break
        except FileExistsError:
            if _lives(note):
                time.sleep(_PAUSE)
            else:
                note.unlink(missing_ok=True)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)
