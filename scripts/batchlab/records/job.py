"""What every script does around its one call: read the spec, keep a log, record provenance, report errors."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError, one_line
from batchlab.files import write_json
from batchlab.records import gpus, provenance, ready, scratch, storage
from batchlab.records.digests import digest, keep_parsed
from batchlab.records.provenance import Files
from batchlab.records.running import alone


@dataclass
class Job:
    """One Snakemake job as the scripts see it.

    Attributes:
        spec: The settings of this job, exactly those that its result depends on.
        input: Named inputs; a name that holds several files is a list.
        output: Named outputs. A folder lies elsewhere until the job has ended, so that it is whole or not there at all.
        threads: Number of threads the job may use.
        facts: What the script records beside the artefact (device, jit rule, timings, …).
    """

    spec: dict[str, Any]
    input: dict[str, Any]
    output: dict[str, Any]
    threads: int
    facts: dict[str, Any] = field(default_factory=dict)


def _named(items: Any, folder: Path) -> dict[str, Any]:
    return {
        name: storage.seen_from(folder, value)
        if isinstance(value, str)
        else [storage.seen_from(folder, str(item)) for item in value]
        for name, value in items.items()
    }


# Names of the inputs that only make Snakemake run a job (see `currency`), or another one before it (see
# `planning.together`); no script reads them.
_MARKERS = ("outdated", "ahead")

# What a full disk, a quota or a folder that may not be written looks like.
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


# What `tempfile` puts into a name. No fewer and no more, or the files of another job could be meant.
_RANDOM = "?" * 8


def _remove_leftovers(outputs: Mapping[str, Any]) -> None:
    """Delete what a killed run of this job left beside its outputs: temporary files and folders."""
    for output in outputs.values():
        for path in map(Path, [output] if isinstance(output, str) else output):
            for leftover in path.parent.glob(f".{path.stem}-{_RANDOM}{path.suffix}"):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)


def _temporary(target: str) -> str:
    """Make an empty folder beside the one that a job makes."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent)
    # mkdtemp makes the folder private; results are meant to be read by others.
    Path(folder).chmod(0o755)
    return folder


def _put(folder: str, target: str) -> None:
    """Rename a folder; one that is there already is replaced as a whole."""
    while True:
        try:
            Path(folder).rename(target)
            return
        except OSError as problem:
            if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            old = _temporary(target)
            with contextlib.suppress(FileNotFoundError):
                Path(target).rename(Path(old, "replaced"))
            shutil.rmtree(old, ignore_errors=True)


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


def _record(snakemake: Any, current: Job, inputs: dict[str, Any], outputs: Files, started: datetime) -> dict[str, Any]:
    """Return the record of a job whose body has ended.

    Args:
        snakemake: The object that the script was given.
        current: The job.
        inputs: Fingerprints of its inputs.
        outputs: Paths of its outputs as they are recorded.
        started: When it began.
    """
    # Where the user's files lie is recorded beside the spec, as for Snakemake: moving a file changes no setting.
    source = snakemake.params.get("source", {})
    record = provenance.record(
        rule=snakemake.rule,
        params=snakemake.params,
        spec=json.loads(snakemake.params.spec),
        inputs=inputs,
        outputs={
            name: provenance.fingerprint(path, current.output[name])
            if isinstance(path, str)
            else [provenance.fingerprint(each) for each in path]
            for name, path in outputs.items()
        },
        threads=current.threads,
        started=started,
        ended=datetime.now(UTC),
        facts={**current.facts, **({"source": source} if source else {})},
    )
    for name, remark in record["not_as_locked"].items():
        print(f"batchlab: warning: package {name}: {remark}", file=sys.stderr)
    return record


def _settle(snakemake: Any, current: Job) -> None:
    """Take what the machine offers a job: one of its GPUs, and data on the node's own disk."""
    # Rules that start Keras ask for `gpu` where they compute on one.
    if getattr(snakemake, "resources", None) is not None and snakemake.resources.get("gpu") is not None:
        gpus.hold_one()
    data = current.input.get("data")
    if scratch.VARIABLE in os.environ and isinstance(data, str) and data.endswith(".npz"):
        current.input = {**current.input, "data": scratch.copied(data)}


@contextlib.contextmanager
def _at_work(snakemake: Any, current: Job, folder: bool, started: datetime, recorded: bool) -> Iterator[None]:
    """Do what is to be done before and after the body of a job."""
    outputs = dict(current.output)
    first = next(iter(outputs.values()))
    of = digest(snakemake.params.spec, snakemake.params.get("code"), snakemake.params.get("env"))
    with alone(provenance.MEMORY / "running" / f"{first}.json", of) as earlier:
        _remove_leftovers(outputs)
        files = {name: value for name, value in current.input.items() if name not in _MARKERS}
        if not recorded:
            ready.note_inputs(provenance.fingerprints(files))
            _settle(snakemake, current)
            yield
            return
        # Or a run that is killed before its end would leave new results with an old record.
        record_path = provenance.record_path(first, folder)
        record_path.unlink(missing_ok=True)
        if folder:
            current.output = {name: _temporary(path) for name, path in outputs.items()}
        try:
            inputs = provenance.fingerprints(files, times=True)
            ready.note_inputs(inputs)
            _settle(snakemake, current)
            yield
            if earlier.attempts:
                seconds = earlier.seconds + current.facts.get("seconds_before", 0.0)
                attempts = {"attempts": earlier.attempts + 1, "seconds_before": round(seconds, 1)}
                current.facts = {**current.facts, **attempts}
            record = _record(snakemake, current, inputs, outputs, started)
            if folder:
                for name, target in outputs.items():
                    write_json(Path(current.output[name], provenance.RECORD_OF_FOLDER), record)
                    _put(current.output[name], target)
            else:
                write_json(record_path, record)
        finally:
            if folder:
                for name in outputs:
                    shutil.rmtree(current.output[name], ignore_errors=True)


@contextlib.contextmanager
def job(snakemake: Any, folder: bool = False, recorded: bool = True) -> Iterator[Job]:
    """Run a script's body as one job of the workflow.

    What the body prints goes to the rule's log. A `BatchlabError`, a full disk or a folder that may not be written
    becomes one line on the terminal and exit code 1; so does any other exception, with its traceback in the log. On
    success a provenance record is written beside the outputs.

    Args:
        snakemake: The object that Snakemake gives to a `script:`; its rule has a `spec` param (JSON), perhaps a
            `source` param (settings that Snakemake does not compare), named inputs and outputs, and a log.
        folder: Whether the output is a folder, which `output` gives as an empty one.
        recorded: Whether a record is written; not of what only helps other jobs.
    """
    started = datetime.now(UTC)
    home = storage.home(next(iter(snakemake.output)))
    # `source` says where the user's files lie; `spec` identifies them by content.
    current = Job(
        spec={**json.loads(snakemake.params.spec), **snakemake.params.get("source", {})},
        input=_named(snakemake.input, home),
        output=_named(snakemake.output, home),
        threads=snakemake.threads,
    )
    log = Path(snakemake.log[0])
    failure = None
    try:
        with _streams_to(log):
            try:
                if home.parts:
                    storage.enter(home)
                with _at_work(snakemake, current, folder, started, recorded):
                    yield current
                if not sys.dont_write_bytecode:
                    keep_parsed(only_if_edited=True)
            except (Exception, SystemExit) as problem:
                failure = one_line(_explain(problem, current.spec, log))
                print(f"batchlab: error: {failure}", file=sys.stderr)
    except OSError as problem:  # the log itself cannot be written
        failure = failure or one_line(_explain(problem, current.spec, log))
    if failure:
        sys.exit(f"batchlab: error: {failure}")
