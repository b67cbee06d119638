"""One GPU for each job where a machine has several, and one job at a time on each unless jobs share it.

JAX reserves three quarters of a GPU's memory when it starts, so two jobs on one device fail. Snakemake counts places
(`resources: gpu`) but does not tell a job which device is its own. So a job takes the first place that no other job of
this user holds: a lock on this machine's own disk, which ends with its process, however that ends. It is held until
then, because the memory is. Where jobs share a device, each reserves its part of the memory.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from batchlab.errors import BatchlabError

# Seconds between two looks for a free device, at first and in the end.
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_VISIBLE = "CUDA_VISIBLE_DEVICES"
# How many jobs share a device.
SHARED = "BATCHLAB_JOBS_PER_GPU"
# Share of the memory that JAX reserves, and how much of it all jobs of one device take together.
_FRACTION, _RESERVED = "XLA_PYTHON_CLIENT_MEM_FRACTION", 0.9
# The lock that this process holds, as an open file.
_held: list[int] = []


def devices(environment: Mapping[str, str]) -> list[str] | None:
    """Return the GPUs that a process may use, as `CUDA_VISIBLE_DEVICES` names them; None if nobody says.

    Args:
        environment: Of the process. What is listed there, by a person or by Slurm, counts; else the driver is asked.
    """
    listed = environment.get(_VISIBLE)
    if listed is None:
        try:
            command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
            listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.replace("\n", ",")
        except (OSError, subprocess.CalledProcessError):
            return None
    names = [name.strip() for name in listed.split(",")]
    return [name for name in names if name and name != "-1"]


def jobs_per_device(environment: Mapping[str, str]) -> int:
    """Return how many jobs share a device.

    Raises:
        BatchlabError: The environment names no such number.
    """
    given = environment.get(SHARED) or "1"
    if not given.isdecimal() or int(given) < 1:
        raise BatchlabError(f"{SHARED}={given!r} in the environment; set it to the number of jobs that share a GPU")
    return int(given)


def _folder() -> Path:
    """Return where the locks are: on this machine, of this user, and of this job of Slurm, which numbers its GPUs."""
    parts = ("batchlab-gpus", str(os.getuid()), *filter(None, [os.environ.get("SLURM_JOB_ID")]))
    folder = Path(tempfile.gettempdir(), "-".join(parts))
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _taken(lock: Path) -> int | None:
    """Return the open file of a lock that is now ours; None if another process has it."""
    file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def hold_one() -> None:
    """Take a free place on a GPU for the rest of this process, and let it see no other; wait while none is free.

    Where nobody says which GPUs there are, all of them count as one. Without any, nothing happens.

    Raises:
        BatchlabError: The environment does not say how many jobs share a GPU.
    """
    if _held:
        return
    found, share = devices(os.environ), jobs_per_device(os.environ)
    names = ["all"] if found is None else found
    # The first place of each device comes before the second of any.
    numbers = ["", *(f"-{number}" for number in range(2, share + 1))]
    places = [(name, hashlib.sha256(name.encode()).hexdigest()[:16] + number) for number in numbers for name in names]
    if share > 1:
        os.environ.setdefault(_FRACTION, f"{_RESERVED / share:.4f}")
    pause = _PAUSE
    while places:
        for name, lock in places:
            file = _taken(_folder() / lock)
            if file is not None:
                _held.append(file)
                if found is not None:
                    os.environ[_VISIBLE] = name
                return
        if pause == _PAUSE:
            print(f"batchlab: waits for a GPU; others use {', '.join(names)}", file=sys.stderr, flush=True)
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
