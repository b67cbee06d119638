"""Which planned jobs are current: their results lie there and were made with these settings, this code, these inputs.

The records beside the results decide, not file times: in a fresh checkout, or after copying, times mean nothing. All is
read while Snakemake parses, and nothing is written. What was found reaches Snakemake through the inputs of jobs:

- A job whose results are outdated gets one more input, a marker that the rule `note_outdated` makes. Its name ends in
  the first number of which no marker is there or one that is newer than the results. So a marker that a killed run left
  behind still makes its job run, and one that has done so already does nothing.
- If neither a job nor anything that it depends on must run, those of its inputs that are newer than its results are
  marked as ancient, so that Snakemake does not judge by their times. All others are not, or Snakemake would not notice
  that they are made anew, by force for instance.

Standard library only, because the Snakefile imports this module.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from batchlab.files import sha256_of
from batchlab.records.differences import changes, first
from batchlab.records.digests import canonical
from batchlab.records.provenance import MEMORY, files_in, files_of, fingerprinted, folder_digest, record_path

MARKERS = MEMORY / "outdated"
# What campaigns share: if it is gone, it stays so until something that must run needs it.
SHARED = frozenset({"data", "check", "segments", "probes"})
# Snakemake gives a folder the time of this file in it.
_TIME_OF_FOLDER = ".snakemake_timestamp"


class PlannedJob(Protocol):
    """What must be known of a job."""

    @property
    def kind(self) -> str:
        """What it makes; the kinds in `SHARED` are made only where something needs them."""

    @property
    def outputs(self) -> Mapping[str, str]:
        """Paths by name; a single folder if `folder`."""

    @property
    def inputs(self) -> Mapping[str, str | list[str]]:
        """Paths by name, one or several; each is a file, or the folder that another job makes."""

    @property
    def folder(self) -> bool:
        """Whether its output is a folder."""

    @property
    def benchmark(self) -> str:
        """File of Snakemake's own measurements, whose time counts as that of an output; empty if there is none."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """Settings of the job."""

    def compared(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return settings, planned or recorded, as they are compared: without options that have their default value."""

    @property
    def codes(self) -> Mapping[str, str]:
        """Core → digest of its code with that core; with any of them it is current."""

    @property
    def environment(self) -> str:
        """Digest of its locked packages."""

    @property
    def made_from(self) -> Sequence[PlannedJob]:
        """Of a study's tables, the jobs behind them, whose digests are in the record of the tables."""


@dataclass(frozen=True)
class Status:
    """What was found of one job.

    Attributes:
        current: Whether its results are there and as planned.
        reasons: Why not, in words.
        marker: Path of the marker that makes Snakemake run it; empty if none is needed.
        ancient: Inputs whose times must not count.
        code: Recorded digest of its code; empty without a record.
        spec: Recorded settings; None without a record.
        made_from: `code` and `environment`: the sorted digests of the jobs in `made_from`, of each job's codes the one
            that is recorded; None if the job has no `made_from`.
    """

    current: bool
    reasons: tuple[str, ...] = ()
    marker: str = ""
    ancient: frozenset[str] = frozenset()
    code: str = ""
    spec: dict[str, Any] | None = None
    made_from: dict[str, list[str]] | None = None


@dataclass
class _Record:
    """A record as far as it is needed: all of it, and path → SHA-256 of its inputs and outputs."""

    fields: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    made: list[str]  # files that the job made, those in a folder included


def assess(jobs: Iterable[PlannedJob], core: str = "") -> dict[str, Status]:
    """Return path of the first output → what was found of each job.

    Args:
        jobs: All jobs of a campaign, each after those whose outputs it reads.
        core: Core that computes on this machine, whose digests stand in `made_from` where none is recorded; the first
            one if empty.
    """
    return _Assessment(jobs, core).statuses


def why(jobs: Iterable[PlannedJob]) -> Iterator[str]:
    """Yield a line for each job whose results are there but outdated: `path: reason; reason`."""
    for name, status in assess(jobs).items():
        if status.marker:
            yield f"{name}: {first(status.reasons)}"


def listed(files: Mapping[str, str | list[str]]) -> list[str]:
    """Return the paths in named inputs or outputs."""
    return [path for value in files.values() for path in ([value] if isinstance(value, str) else value)]


# SHA-256 of files by path, size and time, for as long as the process lives.
_HASHED: dict[tuple[str, int, int], str] = {}


def _hash(path: str, found: os.stat_result) -> str:
    key = path, found.st_size, found.st_mtime_ns
    if key not in _HASHED:
        _HASHED[key] = sha256_of(path)
    return _HASHED[key]


class _Assessment:
    def __init__(self, jobs: Iterable[PlannedJob], core: str) -> None:
        self.core = core
        self._makers: dict[str, str] = {}  # output → first output of its job
        self._records: dict[str, _Record | None] = {}  # first output → record
        self._stats: dict[str, os.stat_result | None] = {}
        self._contents: dict[str, str] = {}
        # Path, size and time → SHA-256 that a record vouches for.
        self._known: dict[tuple[str, int, int], str] = {}
        planned = {next(iter(job.outputs.values())): job for job in jobs}
        self._inputs = {name: listed(job.inputs) for name, job in planned.items()}
        for name, job in planned.items():
            self._makers.update(dict.fromkeys(job.outputs.values(), name))
            self._records[name] = self._read(name, job.folder)
        found = {name: self._assess(name, job) for name, job in planned.items()}
        runs = self._runs(planned, found)
        self.statuses = {
            name: status if name in runs else replace(status, ancient=self._newer(name, planned[name]))
            for name, status in found.items()
        }

    def _assess(self, name: str, job: PlannedJob) -> Status:
        outputs = list(job.outputs.values())
        record = self._records[name]
        code = str(record.fields.get("code", "")) if record else ""
        spec = record.fields.get("spec") if record else None
        made_from = self._made_from(job, record)
        if missing := [path for path in outputs if self._stat(path) is None]:
            gone = tuple(f"{path} is missing" for path in missing)
            return Status(False, gone, code=code, spec=spec, made_from=made_from)
        reasons = tuple(self._reasons(job, record, self._inputs[name], made_from))
        marker = self._marker(name, outputs) if reasons else ""
        return Status(not reasons, reasons, marker, code=code, spec=spec, made_from=made_from)

    def _runs(self, planned: Mapping[str, PlannedJob], found: Mapping[str, Status]) -> set[str]:
        """Return the jobs that Snakemake runs if it makes the whole campaign."""
        runs = {
            name
            for name, status in found.items()
            if status.marker or (not status.current and planned[name].kind not in SHARED)
        }
        needs = {
            name: {maker for path in paths if (maker := self._makers.get(path))} for name, paths in self._inputs.items()
        }
        before = -1
        while len(runs) > before:
            before = len(runs)
            for name in planned:  # readers of what is made anew; what is gone need not follow
                if found[name].current and not runs.isdisjoint(needs[name]):
                    runs.add(name)
            for name in reversed(list(planned)):  # what is gone, and needed
                if name in runs:
                    runs |= {maker for maker in needs[name] if not found[maker].current}
        return runs

    def _reasons(
        self, job: PlannedJob, record: _Record | None, inputs: Sequence[str], made_from: dict[str, list[str]] | None
    ) -> Iterator[str]:
        if record is None:
            yield "no record of how it was made"
            return
        yield from (f"{file} is missing" for file in record.made if self._stat(file) is None)
        if missing := [path for path in job.outputs.values() if path not in record.outputs]:
            yield f"{missing[0]} is not in the record"
        if record.fields.get("spec") != job.spec:
            # As JSON, which knows no tuples.
            recorded, planned_spec = record.fields.get("spec") or {}, json.loads(canonical(job.spec))
            yield from changes(job.compared(recorded), job.compared(planned_spec))
        if record.fields.get("code") not in job.codes.values():
            yield "other code"
        if record.fields.get("environment") != job.environment:
            yield "other locked versions of packages"
        if made_from:
            recorded = record.fields.get("made_from") or {}
            for key, what in (("code", "other code"), ("environment", "other locked versions of packages")):
                if recorded.get(key) != made_from[key]:
                    yield f"made from what was made with {what}"
        planned = dict.fromkeys(inputs)
        yield from (f"input {path}: planned, not recorded" for path in planned if path not in record.inputs)
        yield from (f"input {path}: recorded, not planned" for path in record.inputs if path not in planned)
        for path in planned:
            # An input that is gone is taken for the recorded one.
            if path in record.inputs and self._stat(path) and self._content(path) != record.inputs[path]:
                yield f"input {path} has other content"

    def _made_from(self, job: PlannedJob, record: _Record | None) -> dict[str, list[str]] | None:
        if not job.made_from:
            return None
        recorded = (record.fields.get("made_from") or {}).get("code", []) if record else []
        known = set(recorded) if isinstance(recorded, list) else set()
        codes: set[str] = set()
        for step in job.made_from:
            with_any = list(step.codes.values())
            codes.update(known.intersection(with_any) or [step.codes.get(self.core, with_any[0])])
        return {"code": sorted(codes), "environment": sorted({step.environment for step in job.made_from})}

    # Files

    def _newer(self, name: str, job: PlannedJob) -> frozenset[str]:
        """Return the inputs that Snakemake would find newer than the oldest result."""
        results = [*job.outputs.values(), job.benchmark]
        oldest = min((time for path in results if (time := self._time(path))), default=0)
        return frozenset(path for path in self._inputs[name] if oldest and self._time(path) >= oldest)

    def _time(self, path: str) -> int:
        """Return the time by which Snakemake judges a file or folder; 0 if it is not there."""
        found = self._stat(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            found = self._stat(f"{path}/{_TIME_OF_FOLDER}") or found
        return found.st_mtime_ns if found else 0

    def _stat(self, path: str) -> os.stat_result | None:
        if path not in self._stats:
            try:
                self._stats[path] = os.stat(path)  # noqa: PTH116 - thousands of files, and a path takes long to make
            except OSError:
                self._stats[path] = None
        return self._stats[path]

    def _read(self, name: str, folder: bool) -> _Record | None:
        """Return the record of a job; None if there is none or a damaged one."""
        try:
            with open(record_path(name, folder), encoding="utf-8") as file:
                fields = json.load(file)
            inputs, outputs = fields["inputs"], fields["outputs"]
            if not isinstance(fields["spec"], dict):
                return None
            record = _Record(
                fields,
                dict(fingerprinted(inputs)),
                dict(fingerprinted(outputs)),
                [path for path, _ in files_in(outputs)],
            )
            for path, seen in files_in(inputs):
                if "mtime_ns" in seen:
                    self._known[path, seen["size"], seen["mtime_ns"]] = seen["sha256"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return record

    def _content(self, path: str) -> str:
        """Return the SHA-256 of an input that is there; what no record vouches for is read."""
        if path not in self._contents:
            found = self._stat(path)
            is_folder = found is not None and stat.S_ISDIR(found.st_mode)
            self._contents[path] = (
                folder_digest({name: self._file(f"{path}/{name}") for name in files_of(path)})
                if is_folder
                else self._file(path)
            )
        return self._contents[path]

    def _file(self, path: str) -> str:
        found = self._stat(path)
        if found is None:  # gone in this moment
            return ""
        return self._known.get((path, found.st_size, found.st_mtime_ns)) or _hash(path, found)

    def _marker(self, name: str, outputs: Iterable[str]) -> str:
        times = [found.st_mtime_ns for path in outputs if (found := self._stat(path))]
        times += [found.st_mtime_ns for path in outputs if (found := self._stat(f"{path}/{_TIME_OF_FOLDER}"))]
        number = 1
        while (found := self._stat(marker := f"{MARKERS}/{name}.{number}")) and found.st_mtime_ns <= max(times):
            number += 1
        return marker


def stale_markers(folder: Path = MARKERS) -> Iterator[Path]:
    """Yield markers that have done their work: the results are newer, or gone."""
    for marker in sorted(folder.rglob("*")):
        if marker.is_file():
            result = Path(marker.relative_to(folder).as_posix().rpartition(".")[0])
            times = [path.stat().st_mtime_ns for path in (result, result / _TIME_OF_FOLDER) if path.exists()]
            if not times or max(times) >= marker.stat().st_mtime_ns:
                yield marker
