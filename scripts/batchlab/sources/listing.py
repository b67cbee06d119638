"""The files of a folder: names, and what tells changed files from unchanged ones without reading them.

Standard library only, and quick: a folder may hold 100,000 images, and planning lists it whenever Snakemake starts.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Path below the folder, size in bytes, time of the last change in nanoseconds, number of the file in its file system.
Entry = tuple[str, int, int, int]

# Folder → its files, while `listed_once` lasts.
_kept: dict[str, list[Entry]] | None = None


@contextlib.contextmanager
def listed_once() -> Iterator[None]:
    """List each folder once inside a `with` block; changes that are made meanwhile are not seen."""
    global _kept
    before, _kept = _kept, {} if _kept is None else _kept
    try:
        yield
    finally:
        _kept = before


def files_below(folder: Path) -> list[Entry]:
    """Return all files below a folder but hidden ones, in the order of their paths.

    Raises:
        OSError: A folder or file cannot be read.
    """
    if _kept is None:
        return _listed(folder)
    key = str(folder)
    if key not in _kept:
        _kept[key] = _listed(folder)
    return _kept[key]


def _listed(folder: Path) -> list[Entry]:
    found: list[Entry] = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append(f"{below}{name}/")
                else:
                    status = entry.stat()
                    found.append((below + name, status.st_size, status.st_mtime_ns, status.st_ino))
    found.sort()
    return found
