"""What is recorded beside each artefact: everything needed to judge it, to verify it and to make it again.

The record of an artefact is the file `<first output without its ending>.provenance.json` in the artefact's folder.
"""

from __future__ import annotations

import functools
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

from batchlab.files import sha256_of, write_text
from batchlab.records.digests import LOCK, locked_versions

# What is remembered in Snakemake's folder, beside what Snakemake remembers itself.
MEMORY = Path(".snakemake/batchlab")

# Files of a job by name: one path, or a list of paths; in a record, one fingerprint or a list of them.
Files = Mapping[str, Any]

# What a record must hold to be compared with something, and of which type.
_FORM: dict[str, type] = {
    **dict.fromkeys(("rule", "code", "environment", "started", "ended", "python"), str),
    **dict.fromkeys(("spec", "inputs", "outputs", "host", "packages", "not_as_locked", "git"), dict),
    "threads": int,
}


def record_path(output: str | Path) -> Path:
    """Return where the record of the artefact is whose first output is `output`."""
    path = Path(output)
    return path.with_name(f"{path.name.partition('.')[0]}.provenance.json")


def read(path: Path) -> dict[str, Any]:
    """Return the record in a file.

    Raises:
        ValueError: It is no JSON, or lacks what every record holds, as those of older versions do.
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


@functools.cache
def checkout_name() -> str:
    """Return the random name of this checkout, which it has as long as Snakemake's memory of it."""
    path = MEMORY / "checkout"
    if not path.is_file():
        write_text(path, os.urandom(8).hex())
    return path.read_text(encoding="utf-8")


def fingerprinted(named: Files) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of each file in the inputs or outputs of a record."""
    for value in named.values():
        for file in value if isinstance(value, list) else [value]:
            yield file["path"], file["sha256"]


def fingerprints(files: Files) -> dict[str, Any]:
    """Return for each name the path and the SHA-256 of its file, or a list of them."""

    def one(path: str) -> dict[str, str]:
        return {"path": path, "sha256": sha256_of(path)}

    return {
        name: one(value) if isinstance(value, str) else [one(path) for path in value] for name, value in files.items()
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
    """Return the versions in the lock, with those of JAX, which has a lock of its own that no digest reads."""
    return {**locked_versions(LOCK.with_name("lock-jax.txt")), **locked_versions()}


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


def together(files: Iterable[str]) -> dict[str, list[str]]:
    """Return name → distinct values, sorted, of what matters in the records in the folders of `files`."""
    values: dict[str, set[str]] = {}
    for path in {path for folder in {Path(file).parent for file in files} for path in folder.glob("*.provenance.json")}:
        found = json.loads(path.read_text(encoding="utf-8"))
        for name, listed in {
            "packages": [f"{package} {version}" for package, version in found["packages"].items()],
            "not_as_locked": [f"{package}: {remark}" for package, remark in found["not_as_locked"].items()],
            "host": [" ".join(found["host"].values())],
            **{name: [found.get(name)] for name in ("python", "backend", "device", "jit", "code", "environment")},
            "commit": [found["git"].get("commit")],
            "dirty": [found["git"].get("dirty")],
        }.items():
            values.setdefault(name, set()).update(str(value) for value in listed if value is not None)
    return {name: sorted(found) for name, found in values.items() if found}


def record(
    *,
    rule: str,
    params: Mapping[str, Any],
    spec: dict[str, Any],
    inputs: dict[str, Any],
    outputs: Files,
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
        outputs: Paths of the outputs by name.
        threads: Threads that the job had.
        started: When the job began, with time zone.
        ended: When it ended.
        facts: What else the script wants recorded (device, jit rule, …).
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
        "outputs": fingerprints(outputs),
        "started": started.isoformat(timespec="milliseconds"),
        "ended": ended.isoformat(timespec="milliseconds"),
        "threads": threads,
        "host": host(),
        "python": platform.python_version(),
        "packages": packages,
        "not_as_locked": unlocked(packages),
        "git": git_state(),
        "checkout": checkout_name(),
        **facts,
    }
