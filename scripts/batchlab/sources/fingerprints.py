"""The SHA-256 of users' files, which identifies them; large files are not read again at each start of Snakemake.

A file below 64 MiB is always read. The digest of a larger one is taken from what this process or an earlier job found,
if path, size and time of the last change are the same. Only jobs write that down (`compute`): planning writes nothing.
A large file that was changed without a change of size and time is planned with its old digest; the job that reads it
computes the digest anew and stops (see `batchlab.sources.prepare`).
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import sha256_of, write_json

# Bytes from which on a file counts as large: half a second of hashing on a slow machine.
LARGE = 64 << 20
# Absolute path → size, time of the last change, digest. Relative to the working directory, as results are.
RECORD = Path(".snakemake/batchlab/file_digests.json")
# Seconds after its last change during which a file is not remembered: clocks of file systems tick that coarsely.
_SETTLED = 2.0

# Absolute path, size in bytes, time of the last change in nanoseconds.
_Version = tuple[str, int, int]
_known: dict[_Version, str] = {}


def version_of(path: Path) -> _Version:
    """Return what tells a changed file from an unchanged one without reading it.

    Raises:
        BatchlabError: There is no such file.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as problem:  # a zero byte in the name is a ValueError
        reason = getattr(problem, "strerror", None) or problem
        raise BatchlabError(
            f"data set: file = {str(path)!r} cannot be read ({reason}); paths are relative to {Path.cwd()}"
        ) from None
    if not path.is_file():
        raise BatchlabError(f"data set: file = {str(path)!r} is not a file; give the path of a data file")
    return str(path.absolute()), status.st_size, status.st_mtime_ns


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits; see above for files of 64 MiB and more.

    Raises:
        BatchlabError: The file is missing or cannot be read.
    """
    version = version_of(path)
    if version[1] < LARGE:
        return _read(path)
    if version not in _known:
        _known[version] = _recall(version) or _read(path)
    return _known[version]


def compute(path: Path) -> str:
    """Return the SHA-256 of a file's content, and write that of a large one down for later processes. For jobs only."""
    version = version_of(path)
    sha256 = _read(path)
    settled = time.time() - version[2] / 1e9 > _SETTLED and version_of(path) == version
    if version[1] >= LARGE and settled:
        # A line that a job beside this one writes may be lost; that costs one more reading.
        write_json(RECORD, {**_remembered(), version[0]: [*version[1:], sha256]})
    return sha256


def _recall(version: _Version) -> str | None:
    """Return the digest that an earlier job wrote down, if the file is still the same."""
    entry = _remembered().get(version[0])
    if isinstance(entry, list) and entry[:2] == [*version[1:]] and isinstance(entry[-1], str):
        return entry[-1]
    return None


def _read(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as problem:
        raise BatchlabError(f"{path}: cannot be read ({problem})") from None


def _remembered() -> dict[str, Any]:
    try:
        found = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
