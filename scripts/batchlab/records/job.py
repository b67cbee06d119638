"""What every script does around its one call: read the spec, keep a log, record provenance, report errors."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError, one_line
from batchlab.files import write_json
from batchlab.records import provenance
from batchlab.records.locking import hold_job


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


# What a full disk, a quota or a folder that may not be written looks like.
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def _remove_leftovers(outputs: Mapping[str, Any]) -> None:
    """Delete the temporary files that a killed run of this job left beside its outputs (see `files.atomic_path`)."""
    for output in outputs.values():
        for path in map(Path, [output] if isinstance(output, str) else output):
            for leftover in path.parent.glob(f".{path.stem}-*{path.suffix}"):
                leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def _streams_to(log: Path) -> Iterator[None]:
    """Send everything this process prints, C++ libraries included, to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal, old_output = os.dup(2), os.dup(1)
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(old_output, 1)
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(old_output)


def _explain(problem: BaseException, spec: dict[str, Any], log: Path) -> str:
    """Return one line on what stopped a job.

    A `BatchlabError` speaks for itself. Where code of the user is behind a problem, the line names file and line; of
    anything but a plain `BatchlabError` the log has the traceback.
    """
    if isinstance(problem, OSError) and problem.errno in _UNWRITABLE:
        where = f"{problem.filename}: " if problem.filename else ""
        return f"{where}{problem.strerror}; mend that and give the same command again, nothing else is lost"
    origin = problem.__cause__ if isinstance(problem, BatchlabError) else problem
    if origin is None:
        return str(problem)
    traceback.print_exception(origin)
    model = spec.get("model")
    file = model.get("file") if isinstance(model, dict) else None
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(origin.__traceback__)
        if file and Path(frame.filename).resolve() == Path(file).resolve()
    ]
    place = f"{file}, line {lines[-1]}" if lines else ""
    if isinstance(problem, BatchlabError):
        text = f"{problem} ({place})" if place else str(problem)
    else:
        stopped = "exit() was called" if isinstance(problem, SystemExit) else f"{type(problem).__name__}: {problem}"
        text = f"model {place}: {stopped}" if place else stopped
    return f"{text}; the traceback is in {log}"


def _write_record(snakemake: Any, current: Job, inputs: dict[str, Any], started: datetime) -> None:
    # Where the user's files lie is told beside the spec, as for Snakemake: a moved file is no other setting.
    source = snakemake.params.get("source", {})
    record = provenance.record(
        rule=snakemake.rule,
        params=snakemake.params,
        spec=json.loads(snakemake.params.spec),
        inputs=inputs,
        outputs=current.output,
        threads=current.threads,
        started=started,
        ended=datetime.now(UTC),
        facts={**current.facts, **({"source": source} if source else {})},
    )
    for name, remark in record["not_as_locked"].items():
        print(f"batchlab: warning: package {name}: {remark}", file=sys.stderr)
    write_json(provenance.record_path(next(iter(snakemake.output))), record)


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Run a script's body as one job of the workflow.

    What the body prints goes to the rule's log. A `BatchlabError`, a full disk or a folder that may not be written
    becomes one line on the terminal and exit code 1; so does any other exception, with its traceback in the log. On
    success a provenance record is written beside the outputs.

    Args:
        snakemake: The object that Snakemake gives to a `script:`; its rule has a `spec` param (JSON), perhaps a
            `source` param (settings that Snakemake does not compare), named inputs and outputs, and a log.
    """
    started = datetime.now(UTC)
    # `source` says where the user's files lie; `spec` identifies them by content.
    current = Job(
        spec={**json.loads(snakemake.params.spec), **snakemake.params.get("source", {})},
        input=_named(snakemake.input),
        output=_named(snakemake.output),
        threads=snakemake.threads,
    )
    log = Path(snakemake.log[0])
    failure = None
    try:
        with _streams_to(log):
            try:
                hold_job(log)
                _remove_leftovers(current.output)
                # The settings file only says when the spec changed; the record holds the spec itself.
                files = {name: value for name, value in current.input.items() if name != "settings"}
                inputs = provenance.fingerprints(files)
                yield current
                _write_record(snakemake, current, inputs, started)
            except (Exception, SystemExit) as problem:
                failure = one_line(_explain(problem, current.spec, log))
                print(f"batchlab: error: {failure}", file=sys.stderr)
    except OSError as problem:  # the log itself cannot be written
        failure = failure or one_line(_explain(problem, current.spec, log))
    if failure:
        sys.exit(f"batchlab: error: {failure}")
