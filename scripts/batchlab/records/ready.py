"""Files of a segment that a job has made together with others, until the segment's own job takes them.

They lie beside the checkpoints, in a folder with the name of one. The digest in `ready.json` tells of what they were
made; without the right one they are not taken, and the segment is trained as if they were not there.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchlab.files import write_json
from batchlab.records.digests import digest
from batchlab.records.provenance import unlocked, versions_of_imported

CHECKPOINTS = Path("results/checkpoints")
_NOTE = "ready.json"
_FILES = {"state": "state.npz", "history": "history.csv", "distances": "distances.csv"}
_BEGAN = time.monotonic()
# SHA-256 of what this job reads, by the name of the input. `records.job` notes it here, and not the script, because a
# changed script would train everything again.
_read: dict[str, str | list[str]] = {}


def note_inputs(inputs: Mapping[str, Any]) -> None:
    """Note what this job reads.

    Args:
        inputs: Fingerprints by name, see `provenance.fingerprints`.
    """
    _read.clear()
    for name, each in inputs.items():
        _read[name] = [one["sha256"] for one in each] if isinstance(each, list) else each["sha256"]


@dataclass(frozen=True)
class Ahead:
    """A segment that is trained ahead of its own job.

    Attributes:
        name: Of its checkpoint.
        spec: Its settings.
        made: What `made_of` returns for it.
    """

    name: str
    spec: dict[str, Any]
    made: str

    @property
    def outputs(self) -> dict[str, str]:
        """Paths of its files by name."""
        return {output: str(CHECKPOINTS / self.name / file) for output, file in _FILES.items()}


def checkpoint_name(segment: str, block: str) -> str:
    """Return the name of a segment's checkpoint, without its ending: that of the folder of its files, too."""
    return f"{segment}-seeds-{block}"


def checkpoint_path(name: str) -> Path:
    """Return the path of a checkpoint."""
    return CHECKPOINTS / f"{name}.npz"


def made_of(spec: Mapping[str, Any], code: str | None, environment: str | None, parent: int | None = None) -> str:
    """Return the digest of all that a segment's numbers depend on, the core and the files that are read among it.

    The cores keep progress of different replicas, so neither goes on where the other was killed. Data may have been
    made anew under their name since then, by another version.

    Args:
        spec: Settings of the segment.
        code: Digest of the code.
        environment: Digest of the packages.
        parent: Of a job for several segments, which of its parents is this one's.
    """
    before = _read.get("parent") if parent is None else (_read.get("parents") or {parent: None})[parent]
    read = [_read.get("data"), _read.get("initial"), before]
    return digest(spec, code, environment, os.environ.get("BATCHLAB_BACKEND") or "tensorflow", read)


def planned(members: Sequence[Mapping[str, Any]], source: Mapping[str, Any]) -> list[Ahead]:
    """Return the segments that a job of `train_together` makes.

    Args:
        members: See `planning.together`.
        source: Where files of the user lie.
    """
    specs = [{**member["spec"], **source} for member in members]
    return [
        Ahead(member["name"], spec, made_of(spec, member["code"], member["env"], parent))
        for parent, (member, spec) in enumerate(zip(members, specs, strict=True))
    ]


def note(made: Sequence[Ahead], facts: Sequence[Mapping[str, Any]]) -> None:
    """Say that files of segments are complete. Each segment gets an equal share of the seconds, and all the memory.

    Args:
        made: The segments.
        facts: Of each, for its record.
    """
    packages = versions_of_imported()
    unit = 1e6 if sys.platform == "darwin" else 1e3
    common = {
        "packages": packages,
        "not_as_locked": unlocked(packages),
        "trained_together": len(made),
        "seconds_before": round((time.monotonic() - _BEGAN) / len(made), 3),
        "megabytes_before": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1),
    }
    for each, own in zip(made, facts, strict=True):
        write_json(CHECKPOINTS / each.name / _NOTE, {"made": each.made, "facts": {**own, **common}})


def take(name: str, made: str, outputs: Mapping[str, str]) -> dict[str, Any] | None:
    """Move a segment's files to where they belong and return the facts; None where there are none of this segment.

    Args:
        name: Of its checkpoint.
        made: What `made_of` returned.
        outputs: Name of each file → its place.
    """
    folder = CHECKPOINTS / name
    try:
        found = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = {folder / _FILES[output]: place for output, place in outputs.items()}
    if found.get("made") != made or not all(file.is_file() for file in files):
        return None
    for file, place in files.items():
        shutil.move(file, place)
    shutil.rmtree(folder)
    facts: dict[str, Any] = found["facts"]
    return facts
