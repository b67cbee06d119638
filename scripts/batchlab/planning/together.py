"""Which trainings share a process, because they differ in their learning rates alone.

The job of each segment stays, with its record. Before it comes a job of the rule `train_together`, which starts Keras
and compiles once for several of them and leaves their files where those jobs take them (see `records.ready`). So it
changes what a run costs, and never what is trained: only segments that must be trained anyway, for the same studies.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

from batchlab.planning.jobs import Files, Job, segment_path
from batchlab.planning.lookup import Campaign
from batchlab.records.digests import canonical
from batchlab.records.provenance import MEMORY
from batchlab.records.ready import checkpoint_name

# The rule of their job.
AHEAD = "train_together"
# Replicas of a job, which JAX holds in memory side by side; by then little is left to save.
_MOST = 32


class Together:
    """Trainings of a campaign that are made together.

    Args:
        campaign: The planned campaign.
        slots: Jobs that start Keras at once on this machine.
        here: Tells whether jobs run on this machine. What is submitted to a cluster is put together there, see
            `cluster.requests`.
    """

    folder = str(MEMORY / "together")

    def __init__(self, campaign: Campaign, slots: int, here: Callable[[], bool]) -> None:
        self.campaign, self._slots, self._here = campaign, max(1, slots), here
        campaign.together = self.group

    def inputs(self) -> Callable[[Any], Files]:
        """Return the function that gives the inputs of a training: the planned ones, and what is made ahead for it."""
        planned = self.campaign.inputs("train_segment")

        def given(wildcards: Any) -> Files:
            files = planned(wildcards)
            group = self._group_of.get(self._job(wildcards).name) if self._here() else None
            if group is None:
                return files
            named = group[0].wildcards
            return {**files, "ahead": f"{self.folder}/{named['segment']}/seeds-{named['block']}"}

        return given

    def _job(self, wildcards: Any) -> Job:
        return self.campaign.jobs.find("train_segment", dict(wildcards.items()))

    def group(self, wildcards: Any) -> Sequence[Job]:
        """Return the trainings that are made together, by the wildcards of the first."""
        job = self._job(wildcards)
        return self._group_of.get(job.name, [job])

    def needed(self, wildcards: Any) -> Files:
        """Return what they start from."""
        first, *_ = jobs = self.group(wildcards)
        parents = [str(job.inputs["parent"]) for job in jobs]
        return {"data": first.inputs["data"], "initial": first.inputs["initial"], "parents": parents}

    def spec(self, wildcards: Any) -> str:
        """Return their settings and digests, by the names of their checkpoints, in the order of `needed`."""
        jobs = self.group(wildcards)
        members = [
            {
                "name": checkpoint_name(job.wildcards["segment"], job.wildcards["block"]),
                "spec": self.campaign.spec(job),
                "code": self.campaign.code(job),
                "env": job.environment,
            }
            for job in jobs
        ]
        return canonical({"model": jobs[0].spec["model"], "members": members})

    def source(self, wildcards: Any) -> dict[str, Any]:
        """Return where files of the user lie."""
        return self.group(wildcards)[0].source

    @cached_property
    def _group_of(self) -> dict[str, list[Job]]:
        """Name of a training → all that are made together with it, itself included; none of one that is alone."""
        alike: defaultdict[tuple[Hashable, ...], list[Job]] = defaultdict(list)
        for job in self.campaign.waiting():
            if job.rule == "train_segment":
                alike[self._kind(job)].append(job)
        at_once = Counter(depth for depth, *_ in alike)
        found: dict[str, list[Job]] = {}
        for (depth, *_), jobs in alike.items():
            # No slot stays empty: what is alike is cut into parts where there are fewer kinds than slots.
            replicas = len(jobs) * len(jobs[0].spec["seeds"])
            parts = min(len(jobs), max(math.ceil(self._slots / at_once[depth]), math.ceil(replicas / _MOST)))
            for part in range(parts):
                group = jobs[len(jobs) * part // parts : len(jobs) * (part + 1) // parts]
                if len(group) > 1:
                    found |= {job.name: group for job in group}
        return found

    def _kind(self, job: Job) -> tuple[Hashable, ...]:
        """Return what trainings have in common that are made together, their place in the chain first."""
        segments = self.campaign.plan.segments
        name, block = job.wildcards["segment"], job.wildcards["block"]
        lineage, segment = [], segments[name]
        while segment.parent is not None:
            lineage.append({key: value for key, value in segment.spec.items() if key != "learning_rate"})
            segment = segments[segment.parent]
        return len(lineage), segment.name, canonical(lineage), block, self._studies[segment_path(name, block)]

    @cached_property
    def _studies(self) -> dict[str, tuple[str, ...]]:
        """Snapshot → the studies that need it; so one study alone never trains for another one."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for name, study in self.campaign.plan.studies.items():
            for arm in study.arms:
                for segment in arm.chain:
                    for block in arm.blocks:
                        found[segment_path(segment.name, block)][name] = None
        return {path: tuple(names) for path, names in found.items()}
