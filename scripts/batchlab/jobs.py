"""What every script does around its one call: read the spec, keep a log, record provenance, report errors."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchlab.digests import locked_versions
from batchlab.errors import BatchlabError
from batchlab.files import sha256_of, write_json


@dataclass
class Job:
    """One Snakemake job as the scripts see it.

    Attributes:
        spec: The settings of this job, exactly those that its result depends on.
        input: Named inputs; a name that holds several files is a list.
        output: Named outputs.
        threads: Number of threads the job may use.
        facts: What the script wants recorded beside the artefact (device, jit rule, timings, …).
    """

    spec: dict[str, Any]
    input: dict[str, Any]
    output: dict[str, Any]
    threads: int
    facts: dict[str, Any] = field(default_factory=dict)


def _named(items: Any) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else [str(item) for item in value] for name, value in items.items()}


@contextlib.contextmanager
def _streams_to(log: Path) -> Iterator[int]:
    """Send everything this process prints, C++ libraries included, to `log`; yield the terminal's descriptor."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal, old_output = os.dup(2), os.dup(1)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield terminal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(old_output, 1)
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(old_output)


def _git_state() -> dict[str, Any]:
    """Return commit and dirty flag of the checkout, or nothing where there is no git."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": commit.stdout.strip(), "dirty": bool(status.stdout.strip())}


def _versions_of_imported() -> dict[str, str]:
    """Return name → installed version of every locked distribution of which this process imported a module."""
    modules = importlib.metadata.packages_distributions()
    loaded = {name.partition(".")[0] for name in sys.modules}
    names = {name.lower().replace("_", "-") for module in loaded for name in modules.get(module, ())}
    return {name: importlib.metadata.version(name) for name in sorted(names & locked_versions().keys())}


def _write_provenance(job: Job, params: Any, started: datetime, seconds: float) -> None:
    outputs = [path for value in job.output.values() for path in ([value] if isinstance(value, str) else value)]
    target = Path(outputs[0]).with_suffix(".provenance.json")
    write_json(
        target,
        {
            "spec": job.spec,
            "code": params.get("code"),
            "environment": params.get("env"),
            "outputs": {Path(path).name: sha256_of(path) for path in outputs if Path(path).is_file()},
            "started": started.isoformat(timespec="seconds"),
            "job_seconds": round(seconds, 3),
            "threads": job.threads,
            "host": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "packages": _versions_of_imported(),
            "git": _git_state(),
            **job.facts,
        },
    )


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Run a script's body as one job of the workflow.

    What the body prints goes to the rule's log. A `BatchlabError` becomes one line on the terminal and exit
    code 1; any other exception keeps its traceback in the log. On success a provenance record is written beside
    the outputs.

    Args:
        snakemake: The object that Snakemake gives to a `script:`; its rule has a `spec` param (JSON), named
            inputs and outputs, and a log.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    current = Job(
        spec=json.loads(snakemake.params.spec),
        input=_named(snakemake.input),
        output=_named(snakemake.output),
        threads=snakemake.threads,
    )
    with _streams_to(Path(snakemake.log[0])) as terminal:
        try:
            yield current
            _write_provenance(current, snakemake.params, started, time.perf_counter() - clock)
        except BatchlabError as problem:
            message = f"batchlab: error: {problem}"
            print(message, file=sys.stderr)
            os.write(terminal, f"{message}\n".encode())
            sys.exit(1)
