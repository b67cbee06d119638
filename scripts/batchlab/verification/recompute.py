"""Makes artefacts again from their records, in a temporary folder where only their inputs are, and compares them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchlab.paths import SCRIPTS
from batchlab.records.digests import canonical
from batchlab.records.provenance import RECORD_OF_FOLDER, files_in
from batchlab.verification.agreement import Difference, Evidence
from batchlab.verification.comparison import DRAWINGS, compare

# Folders of the project that a job must not see: it gets its inputs, and writes, in a `results` of its own.
_HIDDEN = ("results", "logs", ".snakemake", ".git")
# Scripts that start Keras, whose backend and settings are those of a process: each of their jobs has one to itself.
_ALONE = ("data", "check", "segments", "probes")
_LOG = "logs/job.log"


@dataclass
class Recomputed:
    """The outcome of making artefacts again.

    Attributes:
        bitwise: Artefacts that were compared bit by bit.
        within: Artefacts that were compared within tolerances, with what differs between the platforms.
        drawings: Number of drawings that differ, as they may, because another platform drew them.
        differences: What differs.
    """

    bitwise: list[Evidence] = field(default_factory=list)
    within: dict[str, list[str]] = field(default_factory=dict)
    drawings: int = 0
    differences: list[Difference] = field(default_factory=list)


def platform_differences(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return what differs between the platforms of two records and may change the last bits of a number."""
    pairs = {
        key: (recorded.get(key), found.get(key))
        for key in ("python", "device", "jit", "compute_threads", "side_by_side")
    }
    for key in sorted(recorded["host"].keys() | found["host"].keys()):
        pairs[key] = recorded["host"].get(key), found["host"].get(key)
    # What only one of the two processes happened to import, such as Snakemake itself, did not compute anything.
    for name in sorted(recorded["packages"].keys() & found["packages"].keys()):
        pairs[name] = recorded["packages"][name], found["packages"][name]
    return [f"{key}: {old} recorded, {new} here" for key, (old, new) in pairs.items() if old != new]


def recompute(chosen: Sequence[Evidence], say: Callable[[str], None]) -> Recomputed:
    """Run the jobs of artefacts again and compare their outputs.

    Each job runs in a temporary folder that holds links to its inputs and to the project's files, but neither the
    results nor a checkpoint, so it can neither read nor change them.

    Args:
        chosen: Artefacts whose files and inputs are those of their records.
        say: Is given a line on each job.
    """
    result = Recomputed()
    for group in _groups(chosen):
        first = group[0].artefact
        say(f"recomputing {first.name}" if len(group) == 1 else f"recomputing {len(group)} × {first.script}")
        with tempfile.TemporaryDirectory(prefix="batchlab-verify-") as base:
            folders = [Path(base) / str(number) for number in range(len(group))]
            jobs = [_job(evidence, folder) for evidence, folder in zip(group, folders, strict=True)]
            _run(jobs, (group[0].record or {}).get("backend"))
            for evidence, folder in zip(group, folders, strict=True):
                _judge(evidence, folder, result)
    return result


def _groups(chosen: Sequence[Evidence]) -> list[list[Evidence]]:
    """Return the jobs that share a process."""
    groups: dict[str, list[Evidence]] = {}
    for evidence in chosen:
        artefact = evidence.artefact
        groups.setdefault(artefact.name if artefact.kind in _ALONE else artefact.script, []).append(evidence)
    return list(groups.values())


def _job(evidence: Evidence, folder: Path) -> dict[str, Any]:
    """Prepare the folder of a job and return what its script will be given."""
    artefact, record = evidence.artefact, evidence.record or {}
    folder.mkdir()
    for entry in Path.cwd().iterdir():
        if entry.name not in _HIDDEN:
            (folder / entry.name).symlink_to(entry)
    for path, _ in files_in(record["inputs"]):
        # Records beside the inputs are read too: tables and report sum them up.
        for file in (Path(path), *Path(path).parent.glob(f"*{RECORD_OF_FOLDER}")):
            link = folder / file
            if not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
    return {
        "folder": str(folder),
        "script": str(SCRIPTS / artefact.script),
        "rule": artefact.rule,
        "input": {
            name: [file["path"] for file in value] if isinstance(value, list) else value["path"]
            for name, value in record["inputs"].items()
        },
        # The first output names the record.
        "output": dict(sorted(artefact.outputs.items(), key=lambda named: named[1] != artefact.name)),
        "params": {
            "spec": canonical(record["spec"]),
            "source": record.get("source", {}),
            "code": record["code"],
            "env": record["environment"],
        },
        "threads": record["threads"],
        "log": _LOG,
    }


def _run(jobs: list[dict[str, Any]], backend: str | None) -> None:
    """Run jobs one after the other in a new process, with the training core of the record where it names one."""
    core = {"BATCHLAB_BACKEND": backend} if backend else {}
    path = os.pathsep.join(filter(None, (str(SCRIPTS), os.environ.get("PYTHONPATH"))))
    subprocess.run(
        [sys.executable, "-P", "-m", "batchlab.verification.rerun"],
        input=json.dumps(jobs),
        env={**os.environ, **core, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _judge(evidence: Evidence, folder: Path, result: Recomputed) -> None:
    """Compare the outputs of a finished job with those in the results."""
    artefact, recorded = evidence.artefact, evidence.record or {}
    try:
        made = json.loads((folder / artefact.record).read_text(encoding="utf-8"))
    except FileNotFoundError:
        what = f"cannot be made again here ({_last_line(folder / _LOG)})"
        result.differences.append(Difference(artefact.name, what, "see the message, and check the environment"))
        return
    elsewhere = platform_differences(recorded, made)
    precision = recorded["spec"].get("precision", "float32") if elsewhere else None
    how = f"recomputed within tolerances ({'; '.join(elsewhere)})" if elsewhere else "recomputed bit by bit"
    old, new = (dict.fromkeys(path for path, _ in files_in(each["outputs"])) for each in (recorded, made))
    for path in old | new:
        if path not in old or path not in new:
            what = "is not among the recomputed files" if path in old else "was not there before"
        else:
            other = Path(path).read_bytes() != (folder / path).read_bytes()
            result.drawings += bool(elsewhere) and other and path.endswith(DRAWINGS)
            what = compare(artefact.kind, Path(path), folder / path, precision)
        if what:
            result.differences.append(Difference(path, f"{how}: {what}", "find out why before you trust it"))
    if elsewhere:
        result.within[artefact.name] = elsewhere
    else:
        result.bitwise.append(evidence)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "the process ended without a message")
