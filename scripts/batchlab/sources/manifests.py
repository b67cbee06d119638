"""The content of a folder as one digest, and a manifest by which files that have not changed are not read again.

Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.files import write_text
from batchlab.sources.listing import Entry, files_below

# Path below the folder → size, time, number in the file system, SHA-256 of the content.
Manifest = dict[str, list[Any]]

# Relative to the working directory, as results are.
_FOLDER = Path(".snakemake/batchlab/manifests")
# Files that a thread reads one after the other. Threads wait for a disk side by side; more than a few only queue.
_FILES, _THREADS = 250, 8
_CHUNK = 1 << 18


def content_of(folder: Path, known: Mapping[str, Sequence[Any]]) -> tuple[str, Manifest]:
    """Return the SHA-256 over names and digests of a folder's files, and the manifest that belongs to it.

    Args:
        folder: The folder.
        known: Manifest of an earlier time. A file with the size, time and number in it is not read.

    Raises:
        BatchlabError: A file cannot be read.
    """
    entries = files_below(folder)
    new = [entry for entry in entries if list(entry[1:]) != list(known.get(entry[0], ())[:3])]
    digests = {name: str(values[3]) for name, values in known.items()} | _read(folder, new)
    manifest = {entry[0]: [*entry[1:], digests[entry[0]]] for entry in entries}
    listing = "".join(f"{name}\0{values[3]}\n" for name, values in manifest.items())
    return hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest(), manifest


def _read(folder: Path, entries: Sequence[Entry]) -> dict[str, str]:
    root = f"{folder}{os.sep}"
    parts = [entries[start : start + _FILES] for start in range(0, len(entries), _FILES)]
    try:
        if len(parts) < 2:
            return {name: digest for part in parts for name, digest in _digests(root, part)}
        with ThreadPoolExecutor(_THREADS) as threads:
            found = threads.map(lambda part: _digests(root, part), parts)
            return {name: digest for part in found for name, digest in part}
    except OSError as problem:
        raise BatchlabError(f"{folder}: cannot be read ({problem})") from None


def _digests(root: str, entries: Iterable[Entry]) -> list[tuple[str, str]]:
    found = []
    for name, *_ in entries:
        file = os.open(root + name, os.O_RDONLY)
        try:
            chunk = os.read(file, _CHUNK)
            content = hashlib.sha256(chunk)
            while len(chunk) == _CHUNK:  # a short one is the last
                chunk = os.read(file, _CHUNK)
                content.update(chunk)
        finally:
            os.close(file)
        found.append((name, content.hexdigest()))
    return found


def remembered(folder: str) -> Manifest:
    """Return the manifest of a folder, given as an absolute path, that an earlier run wrote down; empty if none."""
    try:
        found = json.loads(_place(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: values for name, values in found.items() if isinstance(values, list) and len(values) == 4}


def write_down(folder: str, manifest: Manifest) -> None:
    """Write the manifest of a folder for later processes."""
    write_text(_place(folder), json.dumps(manifest, separators=(",", ":")))


def _place(folder: str) -> Path:
    return _FOLDER / f"{hashlib.sha256(folder.encode(errors='surrogateescape')).hexdigest()[:16]}.json"
