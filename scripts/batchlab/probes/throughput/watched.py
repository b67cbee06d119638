"""A child process that reports line by line, and can take no more memory or time than its parent allows.

Three things hold the child: its address space is limited once it has started (Linux), its memory is looked at every few
milliseconds, and there is an end to its time. It need not cooperate, and what it says of its memory is not asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PAUSE = 0.005  # seconds between two looks at the child's memory
# Address space that libraries reserve for threads and never touch.
_RESERVED = 1 << 30
ENDED, NO_MEMORY, NO_TIME = "ended", "no memory", "no time"


def _status(process: int, field: str) -> int:
    """Return a size of a process in bytes, 0 where it is not known."""
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith(f"{field}:"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    if Path("/proc/self/status").exists():
        return 0
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=False)
    return int(shown.stdout.strip() or 0) << 10


def free_memory() -> int:
    """Return the bytes of memory that this machine, or the container that limits this process, has free."""
    found = []
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")))
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current"))
        found.append(limit - used)
    return min(found) if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


@dataclass(frozen=True)
class Report:
    """One line of the child.

    Attributes:
        said: What it said.
        memory: Its peak memory in bytes since the line before.
        waited: Seconds since the line before.
    """

    said: dict[str, Any]
    memory: int
    waited: float


class Watched:
    """A child that is given settings and reports lines of JSON.

    Args:
        command: The program and its arguments.
        settings: What it reads as JSON from its standard input.
        memory: Bytes that it may take.
        seconds: Seconds after which it is stopped if it says nothing.
        start: Likewise, before its first line.
        environment: Its environment; None for that of this process.

    Attributes:
        ending: How it ended: `ended`, `no memory` or `no time`; `ended` includes an end with an error.
        code: Its exit code.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: Mapping[str, Any],
        memory: int,
        seconds: float,
        start: float = 300.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command, self._settings, self._memory = command, settings, memory
        self._seconds, self._start, self._environment = seconds, start, environment
        self.ending, self.code = ENDED, 0

    def reports(self) -> Iterator[Report]:
        """Start the child and yield what it reports; it lives no longer than the caller goes on."""
        child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment, start_new_session=True
        )
        try:
            yield from self._of(child)
        finally:
            child.kill()
            self.code = child.wait()
            for stream in (child.stdin, child.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()

    def _of(self, child: subprocess.Popen[bytes]) -> Iterator[Report]:
        assert child.stdin
        assert child.stdout
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(self._settings).encode())
            child.stdin.close()
        last, silence, peak, rest = time.monotonic(), self._start, 0, b""
        limited = False
        while True:
            ready, _, _ = select.select([child.stdout], [], [], _PAUSE)
            # The kernel's own peak misses nothing between two looks.
            peak = max(peak, _status(child.pid, "VmHWM") or _status(child.pid, "VmRSS"))
            if peak > self._memory:
                self.ending = NO_MEMORY
                return
            if time.monotonic() - last > silence:
                self.ending = NO_TIME
                return
            if not ready:
                continue
            if not (block := os.read(child.stdout.fileno(), 1 << 16)):
                self.ending = NO_MEMORY if self._broke_off(child) else ENDED
                return
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                if (said := _said(line)) is not None:
                    yield Report(said, peak, time.monotonic() - last)
                    last, silence, peak = time.monotonic(), self._seconds, 0
                    _forget_peak(child.pid)
                    if not limited:
                        limited = True
                        _limit(child.pid, self._memory)

    @staticmethod
    def _broke_off(child: subprocess.Popen[bytes]) -> bool:
        """Return whether the child was ended by a signal, as it is when C++ code or the kernel finds no memory."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(timeout=10) < 0
        return False


def _said(line: bytes) -> dict[str, Any] | None:
    """Return a line of the child, None for one that is not of the protocol."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    print(f"not understood: {line[:200]!r}", file=sys.stderr)
    return None


def _forget_peak(process: int) -> None:
    """Let the kernel count the peak memory of a process anew."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def _limit(process: int, memory: int) -> None:
    """Limit the address space of a process to what it has, and what it may still take."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        most = _status(process, "VmSize") + memory - _status(process, "VmRSS") + _RESERVED
        resource.prlimit(process, resource.RLIMIT_AS, (most, most))
