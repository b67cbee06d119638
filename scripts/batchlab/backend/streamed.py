"""Prepared data sets that are larger than the memory for them: the examples stay in the file, all else is in memory.

Numbers are those of a data set in memory, bit by bit, so the choice is the machine's and no part of any identity.
"""

from __future__ import annotations

import dataclasses
import os
import zipfile

import numpy as np

from batchlab.backend import resident
from batchlab.backend.resident import SPLITS, Resident
from batchlab.backend.stored_rows import StoredRows
from batchlab.backend.task_interface import Objective
from batchlab.errors import BatchlabError
from batchlab.sources.contents import NPZ_PROBLEMS, read_archive

VARIABLE = "BATCHLAB_DATA_MEMORY"
# Megabytes of examples that are held in memory as a whole; of larger data sets a window is.
_MEMORY = 2000
# Of the memory, for a window: beside it there are two buffers, one being read, and what a core copies.
_SHARE = 8


def memory() -> int:
    """Return the bytes that a data set may take in memory.

    Raises:
        BatchlabError: The environment says something else than a number of megabytes.
    """
    text = os.environ.get(VARIABLE) or str(_MEMORY)
    if not text.isdecimal() or not int(text):
        raise BatchlabError(
            f"{VARIABLE}={text!r} in the environment; set it to a number of megabytes, such as {_MEMORY}"
        )
    return int(text) << 20


def read(path: str, task: Objective) -> Resident:
    """Read a prepared data set; one whose examples take more than the memory for them keeps these in its file.

    Args:
        path: The `data.npz` that data preparation wrote.
        task: What is learnt on it.

    Raises:
        BatchlabError: The file is missing or damaged.
    """
    names = [f"x_{split}" for split in SPLITS]
    try:
        with zipfile.ZipFile(path) as archive:
            large = sum(archive.getinfo(f"{name}.npy").file_size for name in names) > memory()
        if not large:
            return resident.read(path, task)
        rows = StoredRows(path, names)
        arrays = read_archive(path, leave_out=names)
    except NPZ_PROBLEMS as problem:
        raise BatchlabError(
            f"{path}: is not an intact prepared data set ({type(problem).__name__}); delete it and run again"
        ) from problem
    nothing = np.empty((0, *rows.shape[1:]), rows.dtype)
    data = resident.from_arrays({**arrays, **dict.fromkeys(names, nothing)}, task)
    return dataclasses.replace(data, x=rows)


def window_rows(data: Resident, least: int) -> int:
    """Return how many examples of a data set on disk are in memory at once: `least`, or as many as memory allows."""
    return min(data.x.shape[0], max(least, memory() // _SHARE // data.x.row_bytes))


def is_streamed(data: Resident) -> bool:
    """Return whether the examples of a data set stay in its file."""
    return isinstance(data.x, StoredRows)
