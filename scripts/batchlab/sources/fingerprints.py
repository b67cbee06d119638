"""The SHA-256 of users' files, which identifies them; large files are not read again at each start of Snakemake.

A file below 64 MiB is always read. The digest of a larger one is taken from what this process or an earlier job found,
if path, size and time of the last change are the same. Runs and their jobs write that down (`remember`, `compute`):
planning writes nothing. Of a folder that has changed, only new and changed files are read (`manifests`).
A large file that was changed without a change of size and time is planned with its old digest; the job that reads it
computes the digest anew and stops (see `batchlab.sources.prepare`).
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import sha256_of, write_json
from batchlab.source_text import source_text
from batchlab.sources import manifests
from batchlab.sources.listing import files_below

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
# Those of `_known` that were read in this process, and what was found of folders, by absolute path.
_found: dict[_Version, str] = {}
_manifests: dict[str, manifests.Manifest] = {}


def version_of(path: Path) -> _Version:
    """Return what tells changed data from unchanged ones without reading them; of a folder, that of all its files.

    Raises:
        BatchlabError: There is no such file or folder.
    """
    status = check_there(path)
    try:
        if stat.S_ISDIR(status.st_mode):
            return _version_of_folder(path)
    except OSError as problem:
        raise BatchlabError(f"{path}: cannot be read ({problem})") from None
    return str(path.absolute()), status.st_size, status.st_mtime_ns


def check_there(path: Path) -> os.stat_result:
    """Return the status of a data file or folder.

    Raises:
        BatchlabError: There is none.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as problem:  # a zero byte in the name is a ValueError
        reason = getattr(problem, "strerror", None) or problem
        raise BatchlabError(
            f"data set: file = {str(path)!r} cannot be read ({reason}); paths are relative to {Path.cwd()}"
        ) from None
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise BatchlabError(f"data set: file = {str(path)!r} is not a file; give the path of a data file")
    return status


def _version_of_folder(folder: Path) -> _Version:
    entries = files_below(folder)
    listing = "".join(f"{name}\0{size}\0{changed}\0{number}\n" for name, size, changed, number in entries)
    digest = hashlib.sha256(listing.encode(errors="surrogateescape")).digest()
    size = sum(max(entry[1], _LEAST) for entry in entries)
    return str(folder.absolute()), size, int.from_bytes(digest[:6], "big")


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
        recalled = _recall(version)
        _known[version] = recalled or _read(path)
        if not recalled and _settled(path, version):
            _found[version] = _known[version]
    return _known[version]


def compute(path: Path) -> str:
    """Return the SHA-256 of a file's content, and write that of a large one down for later processes. For jobs only."""
    version = version_of(path)
    _manifests.pop(version[0], None)
    sha256 = _read(path, anew=True)
    if version[1] >= LARGE and _settled(path, version):
        _write_down({version: sha256})
    return sha256


def remember() -> None:
    """Write down what planning has read of large data in this process; only where a run begins."""
    _write_down(_found)
    _found.clear()


def _write_down(found: Mapping[_Version, str]) -> None:
    # A line that a job beside this one writes may be lost; that costs one more reading.
    new = {version[0]: [*version[1:], sha256] for version, sha256 in found.items()}
    if new:
        write_json(RECORD, {**_remembered(), **new})
    for folder in new.keys() & _manifests.keys():
        manifests.write_down(folder, _manifests[folder])


def _settled(path: Path, version: _Version) -> bool:
    """Return whether data were left alone for a while, and have not changed since their version was taken."""
    return time.time() - _changed(path) > _SETTLED and version_of(path) == version


def _recall(version: _Version) -> str | None:
    """Return the digest that an earlier job wrote down, if the file is still the same."""
    entry = _remembered().get(version[0])
    if isinstance(entry, list) and entry[:2] == [*version[1:]] and isinstance(entry[-1], str):
        return entry[-1]
    return None


def _changed(path: Path) -> float:
    """Return the time of the last change of a file, or of any file in a folder, in seconds."""
    if path.is_dir():
        return max((entry[2] for entry in files_below(path)), default=0) / 1e9
    return path.stat().st_mtime


def _read(path: Path, anew: bool = False) -> str:
    try:
        if path.is_dir():
            key = str(path.absolute())
            content, _manifests[key] = manifests.content_of(path, {} if anew else manifests.remembered(key))
            return content
        if path.suffix == ".py":
            return hashlib.sha256(source_text(parsed(path)).encode()).hexdigest()
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
