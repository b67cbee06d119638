"""Seconds, memory and disk of jobs: measured where the same kind of job ran before, otherwise a declared guess.

A guess in seconds is a start plus the job's work (`planning.priorities`) × what a unit of work takes. Measured jobs
correct it: with the ratio of their seconds to their guesses, among jobs of the same rule, data set and model, or else
of the same rule. A kind of probe that never ran gets the median ratio of the kinds that did. So the first run starts
from a guess for a common processor, and every later one from this machine.
"""

from __future__ import annotations

import contextlib
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from batchlab.planning.jobs import Job, Jobs
from batchlab.planning.priorities import work_of_probe, work_of_segment
from batchlab.records import provenance

# Seconds until Keras, pandas or Altair are imported and the job's code begins: on two cores of an AMD EPYC.
_START, _START_KERAS = 1.2, 6.0
# Seconds of jobs that compute little, by kind.
_SECONDS = {"data": 2.0, "check": 3.0, "segments": 1.5, "tables": 0.6, "claims": 0.2, "drawn": 0.6, "figures": 1.5}
# Microseconds for a unit of work: a dense network by features of an example; convolutions cost more. A transformer has
# about 12 · width² weights in each block, each of which is used at every place of a sequence.
_MICROSECONDS, _PER_FEATURE, _CONVOLUTION = 0.5, 0.02, 15
_PER_WEIGHT_AND_PLACE = 3.7e-4
# Megabytes on disk by kind, if nothing was measured: of one seed's snapshot, one figure in its formats, …
_MEGABYTES = {"data": 10.0, "segments": 0.4, "probes": 0.1, "tables": 0.2, "figures": 1.0, "report": 2.0}
# Megabytes of memory that a job takes, if nothing was measured; a job with Keras also holds its data, with the copies
# that reading and shuffling them make.
_MEMORY, _MEMORY_KERAS, _COPIES = 300.0, 900.0, 4


@dataclass(frozen=True)
class Measured:
    """What is known of a job that has run: seconds from its start to its end, peak memory in MB (0 if unknown)."""

    seconds: float
    memory: float


def _benchmark(path: str) -> Measured | None:
    """Return seconds and peak memory of Snakemake's own measurements."""
    try:
        header, values, *_ = Path(path).read_text(encoding="utf-8").splitlines()
        found = dict(zip(header.split("\t"), values.split("\t"), strict=True))
        return Measured(float(found["s"]), float(found["max_rss"]))
    except (OSError, ValueError, KeyError):
        return None


def measured(job: Job) -> Measured | None:
    """Return what a job took that ran, from Snakemake's measurements or its record; None without either.

    Of a job that went on after it was killed, all attempts count, of which Snakemake measures the last. One that took
    what was trained together with others counts with its share of that.
    """
    found = _benchmark(job.benchmark) if job.benchmark else None
    try:
        text = provenance.record_path(job.name, job.folder).read_text(encoding="utf-8")
        if found is not None and '"seconds_before"' not in text:
            return found
        record = json.loads(text)
        started, ended = (datetime.fromisoformat(record[key]) for key in ("started", "ended"))
        before, memory = float(record.get("seconds_before", 0.0)), float(record.get("megabytes_before", 0.0))
    except (OSError, ValueError, KeyError, TypeError):
        return found
    if found is not None:
        return Measured(found.seconds + before, max(found.memory, memory))
    # The record begins when the libraries are imported.
    start = _START_KERAS if job.keras else _START
    return Measured((ended - started).total_seconds() + before + start, 0.0)


def size_on_disk(job: Job) -> float:
    """Return the megabytes of a job's outputs that lie there."""
    total = 0
    for output in map(Path, job.outputs.values()):
        with contextlib.suppress(OSError):
            files = output.iterdir() if job.folder else [output]
            total += sum(file.stat().st_size for file in files)
    return total / 1e6


def _unit(model: Mapping[str, object], features: int) -> float:
    """Return the microseconds of a unit of work, of an example with so many features, or places of a sequence."""
    if "heads" in model and "width" in model and "blocks" in model:
        weights = 12 * int(str(model["blocks"])) * int(str(model["width"])) ** 2
        return features * weights * _PER_WEIGHT_AND_PLACE
    return (_MICROSECONDS + _PER_FEATURE * features) * (_CONVOLUTION if "filters" in model else 1)


class Costs:
    """What the jobs of a campaign will cost.

    Args:
        jobs: The planned jobs; what of them lies there is read.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._guesses = {job.name: self._guess(job) for job in jobs}
        self.measured = {job.name: found for job in jobs if (found := measured(job)) is not None}
        self._ratios = self._ratios_of_groups()
        memory = {name: found.memory for name, found in self.measured.items() if found.memory}
        self._memory = {group: max(found.values()) for group, found in self._in_groups(memory).items()}
        disk = {job.name: size for job in jobs if (size := size_on_disk(job))}
        self._disk = {group: statistics.mean(found.values()) for group, found in self._in_groups(disk).items()}

    def _groups(self, job: Job) -> tuple[tuple[str, ...], ...]:
        """Return the groups of jobs that cost alike, the narrowest first."""
        data = str(job.inputs.get("data"))
        model = json.dumps(job.spec.get("model"), sort_keys=True, default=str)
        probe = job.spec.get("probe")
        kind = str(probe.get("name")) if isinstance(probe, Mapping) else ""
        return ((job.rule, kind, data, model), (job.rule, kind, model), (job.rule, kind), (job.rule,))

    def _in_groups(self, values: Mapping[str, float]) -> dict[tuple[str, ...], dict[str, float]]:
        """Return group of jobs → job → its value."""
        found: defaultdict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
        for job in self._jobs:
            if job.name in values:
                for group in self._groups(job):
                    found[group][job.name] = values[job.name]
        return found

    def _ratios_of_groups(self) -> dict[tuple[str, ...], float]:
        """Return group of jobs → their seconds for each second of their guesses."""
        seconds = {name: found.seconds for name, found in self.measured.items()}
        found = {
            group: sum(each.values()) / sum(map(self._guesses.__getitem__, each))
            for group, each in self._in_groups(seconds).items()
        }
        # What one kind of probe costs says little of another.
        kinds: defaultdict[str, list[float]] = defaultdict(list)
        for (rule, *kind), ratio in found.items():
            if len(kind) == 1:
                kinds[rule].append(ratio)
        return found | {(rule,): statistics.median(ratios) for rule, ratios in kinds.items()}

    def _known(self, job: Job, table: Mapping[tuple[str, ...], float]) -> float | None:
        return next((table[group] for group in self._groups(job) if group in table), None)

    def _guess(self, job: Job) -> float:
        start = _START_KERAS if job.keras else _START
        seconds = start + _SECONDS.get(job.kind, 0.5)
        plan, seeds = self._jobs.plan, len(job.spec.get("seeds", ()))
        if job.rule == "train_segment":
            segment = plan.segments[job.wildcards["segment"]]
            work = work_of_segment(segment)
        elif job.rule == "measure_apart":
            # Its children may begin something for so long.
            return seconds + _START_KERAS + float(job.spec["probe"].get("seconds", 0.0))
        elif job.rule == "measure_probe":
            probe = plan.probes[job.wildcards["probe"]]
            segment, work = plan.segments[probe.segment], work_of_probe(plan, probe)
        else:
            return seconds
        features = math.prod(plan.data[segment.data].shape.input_shape)
        return seconds + work * seeds * _unit(job.spec["model"], features) / 1e6

    def is_measured(self, job: Job) -> bool:
        """Return whether the cost of a job comes from one that ran."""
        return self._known(job, self._ratios) is not None

    def seconds(self, job: Job) -> float:
        """Return the seconds that a job will take from its start to its end."""
        if job.name in self.measured:
            return self.measured[job.name].seconds
        ratio = self._known(job, self._ratios)
        return self._guesses[job.name] * (1.0 if ratio is None else ratio)

    def memory(self, job: Job) -> float:
        """Return the megabytes of memory that a job will take at its peak."""
        return self._known(job, self._memory) or self._guess_memory(job)

    def knows_memory(self, job: Job) -> bool:
        """Return whether the memory of a job comes from one that ran."""
        return self._known(job, self._memory) is not None

    def _guess_memory(self, job: Job) -> float:
        if not job.keras:
            return _MEMORY
        shape = self._jobs.plan.data[Path(str(job.inputs["data"])).parent.name].shape
        examples = shape.examples_train + shape.examples_validation + shape.examples_test
        return _MEMORY_KERAS + _COPIES * 4e-6 * examples * math.prod(shape.input_shape)

    def megabytes(self, job: Job) -> float:
        """Return the megabytes on disk that a job's results will take."""
        known = self._known(job, self._disk)
        if known is not None:
            return known
        seeds = len(job.spec.get("seeds", ())) if job.kind == "segments" else 1
        return _MEGABYTES.get(job.kind, 0.05) * max(1, seeds)

    def longest(self, jobs: Iterable[Job]) -> float:
        """Return the seconds of the longest chain of jobs, each of which needs the one before."""
        until: dict[str, float] = {}
        for job in jobs:
            before = [
                until[path]
                for value in job.inputs.values()
                for path in ([value] if isinstance(value, str) else value)
                if path in until
            ]
            end = max(before, default=0.0) + self.seconds(job)
            until |= dict.fromkeys(job.outputs.values(), end)
        return max(until.values(), default=0.0)
