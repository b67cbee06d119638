"""The SHA-256 of users' files, which identifies them; large files are not read again at each start of Snakemake.

A file below 64 MiB is always read. The digest of a larger one is taken from what this process or an earlier job found,
if path, size and time of the last change are the same. Only jobs write that down (`compute`): planning writes nothing.
A large file that was changed without a change of size and time is planned with its old digest; the job that reads it
computes the digest anew and stops (see `batchlab.sources.prepare`).
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import sha256_of, write_json

# Bytes from which on a file counts as large: half a second of hashing on a slow machine.
LARGE = 64 << 20
# Bytes that each file of a folder counts at least: opening it takes as long as hashing so many.
_LEAST = 1 << 16
# Absolute path → size, time of the last change, digest. Relative to the working directory, as results are.
RECORD = Path(".snakemake/batchlab/file_digests.json")
# Seconds after its last change during which a file is not remembered: clocks of file systems tick that coarsely.
_SETTLED = 2.0

# Absolute path, size in bytes, time of the last change in nanoseconds; of a folder, a digest of its listing instead.
_Version = tuple[str, int, int]
_known: dict[_Version, str] = {}


def version_of(path: Path) -> _Version:
    """Return what tells changed data from unchanged ones without reading them; of a folder, its files' sizes and times.

    Raises:
        BatchlabError: There is no such file or folder.
    """
    try:
        if path.is_dir():
            return _version_of_folder(path)
        status = path.stat()
    except (OSError, ValueError) as problem:  # a zero byte in the name is a ValueError
        reason = getattr(problem, "strerror", None) or problem
        raise BatchlabError(
            f"data set: file = {str(path)!r} cannot be read ({reason}); paths are relative to {Path.cwd()}"
        ) from None
    if not path.is_file():
        raise BatchlabError(f"data set: file = {str(path)!r} is not a file; give the path of a data file")
    return str(path.absolute()), status.st_size, status.st_mtime_ns


def files_below(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Return (path below the folder, status) of all files but hidden ones, in the order of their paths.

    Raises:
        OSError: A folder or file cannot be read.
    """
    found: list[tuple[str, os.stat_result]] = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                name = f"{below}{entry.name}"
                if entry.is_dir():
                    waiting.append(f"{name}/")
                else:
                    found.append((name, entry.stat()))
    return sorted(found, key=lambda item: item[0])


def _version_of_folder(folder: Path) -> _Version:
    listing, size = hashlib.sha256(), 0
    for name, status in files_below(folder):
        listing.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
        size += max(status.st_size, _LEAST)
    return str(folder.absolute()), size, int.from_bytes(listing.digest()[:6], "big")


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits; see above for files of 64 MiB and more.

    That of a folder is taken over the names and digests of its files; that of a Python file over its code, without
    comments and layout.

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
    settled = time.time() - _changed(path) > _SETTLED and version_of(path) == version
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


def _changed(path: Path) -> float:
    """Return the time of the last change of a file, or of any file in a folder, in seconds."""
    if path.is_dir():
        return max((status.st_mtime for _, status in files_below(path)), default=0.0)
    return path.stat().st_mtime


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            manifest = hashlib.sha256()
            for name, _ in files_below(path):
                manifest.update(f"{name}\0{sha256_of(path / name)}\n".encode(errors="surrogateescape"))
            return manifest.hexdigest()
        if path.suffix == ".py":
            return hashlib.sha256(ast.unparse(parsed(path)).encode()).hexdigest()
        return sha256_of(path)
    except OSError as problem:
        raise BatchlabError(f"{path}: cannot be read ({problem})") from None


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file.

    Raises:
        BatchlabError: It is not Python.
        OSError: It cannot be read.
    """
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as problem:
        raise BatchlabError(f"{path}: line {problem.lineno} is not valid Python ({problem.msg}); correct it") from None
    except (ValueError, RecursionError, MemoryError) as problem:
        raise BatchlabError(f"{path}: is not Python source in UTF-8 ({problem}); correct it") from None


def _remembered() -> dict[str, Any]:
    try:
        found = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
