"""What is recorded beside each artefact: everything needed to judge it, to verify it and to make it again.

The record of an artefact is the file `<first output without its ending>.provenance.json` in the artefact's folder; of a
table it is `<table>.csv.provenance.json`, because a figure and the table that it shows have one name. Where a job's
output is a folder, the record lies in it as `provenance.json`.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from batchlab.files import sha256_of
from batchlab.records.digests import LOCK, canonical, locked_versions

# What is remembered in Snakemake's folder, beside what Snakemake remembers itself.
MEMORY = Path(".snakemake/batchlab")

RECORD_OF_FOLDER = "provenance.json"

# Files of a job by name: one path, or a list of paths; in a record, one fingerprint or a list of them.
Files = Mapping[str, Any]

# What a record must hold to be compared with something, and of which type.
_FORM: dict[str, type] = {
    **dict.fromkeys(("rule", "code", "environment", "started", "ended", "python"), str),
    **dict.fromkeys(("spec", "inputs", "outputs", "host", "packages", "not_as_locked", "git"), dict),
    "threads": int,
}


def record_path(output: str | Path, folder: bool = False) -> Path:
    """Return where the record of an artefact is.

    Args:
        output: Its first output.
        folder: Whether this is a folder that the job makes.
    """
    path = Path(output)
    if folder:
        return path / RECORD_OF_FOLDER
    name = path.name if path.suffix == ".csv" else path.name.partition(".")[0]
    return path.with_name(f"{name}.{RECORD_OF_FOLDER}")


def is_record(path: Path) -> bool:
    """Return whether a file is a record, by its name."""
    return path.name == RECORD_OF_FOLDER or path.name.endswith(f".{RECORD_OF_FOLDER}")


def read(path: Path) -> dict[str, Any]:
    """Return the record in a file.

    Raises:
        ValueError: It is not JSON, or lacks what every record holds, as records of older versions do.
    """
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError("no mapping")
    for key, kind in _FORM.items():
        if not isinstance(found.get(key), kind):
            raise ValueError(f"{key} is missing or of another form")
    for key in ("inputs", "outputs"):
        try:
            list(fingerprinted(found[key]))
        except (KeyError, TypeError):
            raise ValueError(f"{key} does not give path and sha256 of each file") from None
    return found


def entries(named: Files) -> Iterator[dict[str, Any]]:
    """Yield the fingerprint of each file or folder in the inputs or outputs of a record."""
    for value in named.values():
        yield from value if isinstance(value, list) else [value]


def fingerprinted(named: Files) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of each file or folder in the inputs or outputs of a record."""
    for each in entries(named):
        yield each["path"], each["sha256"]


def files_in(named: Files) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and fingerprint of each file in the inputs or outputs of a record, those in folders included."""
    for each in entries(named):
        if "files" in each:
            yield from ((f"{each['path']}/{name}", file) for name, file in each["files"].items())
        else:
            yield each["path"], each


def folder_digest(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of a folder from those of its files by name."""
    return hashlib.sha256(canonical(files).encode()).hexdigest()


def files_of(folder: str | Path) -> list[str]:
    """Return the names of the files that a job made in a folder: all but its record and hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if entry.is_file() and entry.name != RECORD_OF_FOLDER and not entry.name.startswith(".")
        )


def _of_file(path: Path, times: bool) -> dict[str, Any]:
    found = path.stat()
    seen = {"size": found.st_size, "mtime_ns": found.st_mtime_ns} if times else {}
    return {"sha256": sha256_of(path), **seen}


def fingerprint(path: str, place: str | Path | None = None, times: bool = False) -> dict[str, Any]:
    """Return the path and the SHA-256 of a file; of a folder also those of its files by name.

    Args:
        path: As it is recorded.
        place: Where the file or folder lies at the moment, if elsewhere.
        times: Whether size and time of files are recorded too, so that a file that still has them is known without
            reading it. Of outputs they are not, because Snakemake touches these when the job has ended.
    """
    found = Path(place or path)
    if not found.is_dir():
        return {"path": path, **_of_file(found, times)}
    files = {name: _of_file(found / name, times) for name in files_of(found)}
    digest = folder_digest({name: of_file["sha256"] for name, of_file in files.items()})
    return {"path": path, "sha256": digest, "files": files}


def fingerprints(files: Files, times: bool = False) -> dict[str, Any]:
    """Return for each name the fingerprint of its file or folder, or a list of them."""
    return {
        name: fingerprint(value, times=times)
        if isinstance(value, str)
        else [fingerprint(path, times=times) for path in value]
        for name, value in files.items()
    }


@functools.cache
def host() -> dict[str, str]:
    """Return the kind of machine: system, architecture and processor, on which float32 rounding may depend."""
    processor = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = [line.partition(":") for line in information.read_text(encoding="utf-8").splitlines()]
        processor = next((value.strip() for name, _, value in lines if name.strip() == "model name"), processor)
    return {"system": platform.system(), "machine": platform.machine(), "processor": processor}


def _locked() -> dict[str, str]:
    """Return the versions in the lock, with those of JAX and PyArrow, whose locks no digest reads."""
    return {
        **locked_versions(LOCK.with_name("lock-jax.txt")),
        **locked_versions(LOCK.with_name("lock-parquet.txt")),
        **locked_versions(),
    }


def versions_of_imported() -> dict[str, str]:
    """Return name → installed version of every locked distribution of which this process imported a module."""
    modules = importlib.metadata.packages_distributions()
    loaded = {name.partition(".")[0] for name in sys.modules}
    names = {name.lower().replace("_", "-") for module in loaded for name in modules.get(module, ())}
    return {name: importlib.metadata.version(name) for name in sorted(names & _locked().keys())}


def unlocked(versions: Mapping[str, str]) -> dict[str, str]:
    """Return name → a remark for each package whose version is not the one in the lock."""
    locked = _locked()
    return {
        name: f"{version} is installed, {locked[name]} is in the lock"
        for name, version in versions.items()
        if name in locked and version not in locked[name].split(",")
    }


def git_state() -> dict[str, Any]:
    """Return commit and dirty flag of the checkout, results left out, or nothing where there is no git."""
    changes = ["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)results"]
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run(changes, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": commit.stdout.strip(), "dirty": bool(status.stdout.strip())}


def _core_seconds(found: Mapping[str, Any]) -> float:
    started, ended = (datetime.fromisoformat(found[key]) for key in ("started", "ended"))
    return ((ended - started).total_seconds() + found.get("seconds_before", 0.0)) * int(found["threads"])


def together(files: Iterable[str]) -> dict[str, list[str]]:
    """Return name → distinct values, sorted, of what matters in the records of files or folders.

    Args:
        files: Outputs of jobs; where one is a file, all records beside it count.
    """
    values: dict[str, set[str]] = {}
    places = {path if path.is_dir() else path.parent for path in map(Path, files)}
    for path in {path for folder in places for path in folder.glob(f"*{RECORD_OF_FOLDER}")}:
        found = json.loads(path.read_text(encoding="utf-8"))
        for name, listed in {
            "packages": [f"{package} {version}" for package, version in found["packages"].items()],
            "not_as_locked": [f"{package}: {remark}" for package, remark in found["not_as_locked"].items()],
            "host": [" ".join(found["host"].values())],
            **{name: [found.get(name)] for name in ("python", "backend", "device", "jit", "code", "environment")},
            "commit": [found["git"].get("commit")],
            "dirty": [found["git"].get("dirty")],
            "day": [found["ended"][:10]],
            # With the place, so that the jobs that two studies share are added up once.
            "core_seconds": [f"{'/'.join(path.parts[-3:])} {_core_seconds(found):.1f}"],
        }.items():
            values.setdefault(name, set()).update(str(value) for value in listed if value is not None)
    return {name: sorted(found) for name, found in values.items() if found}


def record(
    *,
    rule: str,
    params: Mapping[str, Any],
    spec: dict[str, Any],
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    threads: int,
    started: datetime,
    ended: datetime,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the record of one finished job.

    Args:
        rule: Name of the rule.
        params: `code` and `env`, the digests of code and environment, and `identity`, the chain of names that led
            here, initial weights first, or the short identity of a study.
        spec: The job's settings.
        inputs: `fingerprints` of the inputs, taken before the job began.
        outputs: `fingerprints` of the outputs.
        threads: Threads that the job had.
        started: When the job began, with time zone.
        ended: When it ended.
        facts: What else the script records (device, jit rule, …).
    """
    packages = versions_of_imported()
    return {
        "rule": rule,
        "identity": params.get("identity"),
        "spec": spec,
        "seeds": spec.get("seeds"),
        "code": params.get("code"),
        "environment": params.get("env"),
        "inputs": inputs,
        "outputs": outputs,
        "started": started.isoformat(timespec="milliseconds"),
        "ended": ended.isoformat(timespec="milliseconds"),
        "threads": threads,
        "host": host(),
        "python": platform.python_version(),
        "packages": packages,
        "not_as_locked": unlocked(packages),
        "git": git_state(),
        **facts,
    }
