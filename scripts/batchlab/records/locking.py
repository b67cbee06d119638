"""Locks that end with the process that holds them, so that a killed one leaves nothing to unlock.

Snakemake's own lock is a file that stays behind when Snakemake is killed, and must then be removed by hand; the
profiles switch it off in favour of these. Standard library only, because the Snakefile imports this module.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from batchlab.errors import BatchlabError

# Descriptors of the locks that this process holds: closing one would give up its lock.
_HELD: list[int] = []


def _take(path: str | os.PathLike[str], wait: bool) -> bool:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        return False
    except OSError:  # a file system without locks: going on without is better than not at all
        os.close(handle)
        return True
    _HELD.append(handle)
    return True


def hold_folder(path: str | os.PathLike[str]) -> None:
    """Keep the project's folder for this process until it ends.

    Args:
        path: The lock file.

    Raises:
        BatchlabError: If another process holds it.
    """
    if not _take(path, wait=False):
        raise BatchlabError(
            "another snakemake is running in this folder; wait for it, stop it, or work in another clone of the project"
        )


def hold_job(path: str | os.PathLike[str]) -> None:
    """Keep one step for this process until it ends; wait while another process works on it.

    A job outlives a Snakemake that was killed. The same job of the next one must not write beside it.
    """
    _take(path, wait=True)
