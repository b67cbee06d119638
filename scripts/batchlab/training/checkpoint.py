"""A side file from which a killed training continues with the same numbers.

It is not an output of the workflow, because declared outputs are deleted before a job starts. It is written after an
epoch if enough time has passed, and belongs to one digest of settings, code and environment: anything else is
ignored.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.files import atomic_path
from batchlab.training.state import Arrays

# Seconds between two checkpoints: what a killed job loses at most, beside the epoch it was in.
INTERVAL = 20.0


class Checkpoint:
    """The side checkpoint of one job.

    Args:
        path: The file.
        digest: Digest of everything that the numbers depend on.
        interval: Seconds that must have passed since the last one.
    """

    def __init__(self, path: str | os.PathLike[str], digest: str, interval: float = INTERVAL) -> None:
        self._path, self._digest, self._interval = Path(path), digest, interval
        self._last = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether enough time has passed since the job started or the last checkpoint was written."""
        return time.monotonic() - self._last >= self._interval

    def write(self, progress: dict[str, Any], arrays: Arrays) -> None:
        """Write the progress of a job.

        Args:
            progress: What JSON can hold; floats come back exactly, NaN included.
            arrays: Everything else.
        """
        text = json.dumps({"digest": self._digest, "progress": progress})
        with atomic_path(self._path) as temporary:
            np.savez(temporary, progress=np.array(text), **arrays)  # type: ignore[arg-type]
        self._last = time.monotonic()

    def read(self) -> tuple[dict[str, Any], Arrays] | None:
        """Return progress and arrays, or None where there is no checkpoint that belongs to this job."""
        try:
            with np.load(self._path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            found = json.loads(str(arrays.pop("progress")))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        return (found["progress"], arrays) if found["digest"] == self._digest else None

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self._path.unlink(missing_ok=True)
