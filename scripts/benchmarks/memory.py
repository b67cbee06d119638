"""The peak of this process' resident memory."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

_PROCESS = Path("/proc/self")


def forget_peak() -> None:
    """Let the kernel count the peak anew; where it cannot (macOS), the peak is that of the whole process."""
    with contextlib.suppress(OSError):
        (_PROCESS / "clear_refs").write_text("5")


def peak_memory() -> float:
    """Return the peak in MiB."""
    with contextlib.suppress(OSError):
        lines = (_PROCESS / "status").read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
