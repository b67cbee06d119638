"""Data that many jobs of a node read, on the node's own disk: a copy, made by the first job that needs it.

Training reads examples in a random order, again in each epoch. From a file server that is slow where the data is larger
than memory. Results do not depend on where the copy lies: paths of inputs are recorded as they are in the project.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from pathlib import Path

from batchlab.files import atomic_path

# Names the folder; `$TMPDIR` and the like are looked up on the node.
VARIABLE = "BATCHLAB_SCRATCH"
# Bytes that stay free on the disk.
_SPARE = 100_000_000


def copied(path: str) -> str:
    """Return the path of a copy of a file on this node's disk; the file itself where there is no room or no such disk.

    A file that has changed is another one, and is copied anew. Of several jobs one copies, and the others wait.
    """
    try:
        folder = Path(os.path.expandvars(os.environ[VARIABLE]), f"batchlab-{os.getuid()}")
        folder.mkdir(mode=0o700, exist_ok=True)
        there = Path(path).stat()
        name = hashlib.sha256(f"{Path(path).resolve()} {there.st_size} {there.st_mtime_ns}".encode()).hexdigest()[:16]
        copy = folder / f"{name}{Path(path).suffix}"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not copy.exists():
                if shutil.disk_usage(folder).free < there.st_size + _SPARE:
                    raise OSError(f"no room for {there.st_size / 1e6:.0f} MB")
                with atomic_path(copy) as temporary:
                    shutil.copyfile(path, temporary)
        return str(copy)
    except OSError as problem:
        print(f"batchlab: {path} is read where it lies: {problem}", file=sys.stderr, flush=True)
        return path
