"""What each job asks of a cluster: memory and run time by its foreseen cost, and company for short jobs.

A submission costs a cluster some seconds and a queue, so short jobs share one. What is put together is a *tree*: the
segments that grow from one set of initial weights through one first segment, and the probes on them. It is put
together with others if all of it is short. Of a long tree each segment is a submission of its own, and short probes
share one. So nothing in a submission waits for a job outside that waits for the submission.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from batchlab.cluster.site_file import Site
from batchlab.planning.jobs import Job
from batchlab.planning.lookup import Campaign
from batchlab.progress.costs import Costs

# Minutes that a tree asks for at most → trees of this kind in one submission: `group-components` of profiles/slurm,
# four jobs at once.
SIZES = {"tiny": (6, 24), "small": (20, 8), "medium": (40, 4)}
# The longest submission that follows from these: 40 minutes with four jobs at once, and twice that after a failure.
_LONGEST = 80
# Minutes of a job among others, which cover the start of Python on a slow file system, and of a job alone.
_SHORTEST, _ALONE = 3, 10
# Times the foreseen seconds: where a job of its kind ran before, and where none did.
_MEASURED, _GUESSED = 1.5, 3.0
_MEMORY_MEASURED, _MEMORY_GUESSED = 1.3, 1.6


class Requests:
    """What the jobs of a campaign ask for.

    Args:
        campaign: The planned campaign.
        site: What the site says about itself; None for none.
        gpu: Whether jobs that start Keras compute on a GPU.
        submits: Tells whether this process submits jobs elsewhere.
        main: Whether this is the process that was started, not the one of a job, whose memory and time are settled.
    """

    def __init__(
        self, campaign: Campaign, site: Site | None, gpu: bool, submits: Callable[[], bool], main: bool = True
    ) -> None:
        self.campaign, self._site, self._submits, self._main = campaign, site or Site(), submits, main
        # What jobs that start Keras ask for beside memory. On this machine the resource `gpu` counts.
        generic = "" if self._site.gpu == "gpus" else self._site.gpu
        gpus = {"gpu": lambda wildcards: 0 if generic and submits() else 1}
        self._accelerator = {**gpus, **({"gres": generic} if generic else {})} if gpu else {}

    @cached_property
    def _costs(self) -> Costs:
        return Costs(self.campaign.jobs)

    def _job(self, rule: str, wildcards: Any) -> Job:
        return self.campaign.jobs.find(rule, dict(wildcards.items()))

    def resources(self, rule: str, apart: bool = False) -> dict[str, Any]:
        """Return the resources of a rule that starts Keras: constants, and functions of wildcards and attempt.

        Args:
            rule: Name of the rule.
            apart: Whether its jobs need a node to themselves, because they measure times.
        """

        def memory(wildcards: Any, attempt: int) -> int:
            return self.memory(self._job(rule, wildcards), attempt)

        def runtime(wildcards: Any, attempt: int) -> int:
            return self.minutes(self._job(rule, wildcards), attempt)

        settled = {"mem_mb": memory, "runtime": runtime} if self._main else {}
        exclusive = {"slurm_extra": "--exclusive"} if apart else {}
        return {**self._accelerator, **self._site.resources, **exclusive, **settled}

    def fixed(self, memory: int, minutes: int) -> dict[str, Any]:
        """Return the resources of a rule that is no part of the plan: megabytes and minutes that grow by attempt."""

        def runtime(wildcards: Any, attempt: int) -> int:
            return min(minutes * attempt, self._site.longest)

        return {**self._site.resources, "mem_mb": lambda wildcards, attempt: memory * attempt, "runtime": runtime}

    def group(self, rule: str) -> Callable[[Any], str | None]:
        """Return the function that names the group of a rule's job: none where nothing is submitted."""
        return lambda wildcards: self.company(self._job(rule, wildcards)) if self._submits() else None

    def memory(self, job: Job, attempt: int = 1) -> int:
        """Return the megabytes that a job asks for: more after each failure."""
        factor = _MEMORY_MEASURED if self._costs.knows_memory(job) else _MEMORY_GUESSED
        wanted = self._costs.memory(job) * factor * self._site.memory * attempt
        return math.ceil(wanted / 100) * 100

    def _foreseen(self, job: Job) -> int:
        factor = _MEASURED if self._costs.is_measured(job) else _GUESSED
        return math.ceil(self._costs.seconds(job) * factor * self._site.time / 60)

    def minutes(self, job: Job, attempt: int = 1) -> int:
        """Return the minutes that a job asks for: more after each failure, never more than the site allows."""
        if self.company(job):
            return min(max(_SHORTEST, self._foreseen(job)) * min(attempt, 2), self._site.longest)
        return min(max(_ALONE, self._foreseen(job)) * attempt, self._site.longest)

    def company(self, job: Job) -> str | None:
        """Return the name of the jobs that a job may share a submission with; None if it is to be alone."""
        if job.rule in ("check_model", "initialise_model"):
            return "initial"
        tree = self._tree_of.get(job.name)
        if tree and (size := self._size(self._minutes_of_tree[tree])):
            return f"{size}_trees"
        if job.rule == "measure_probe" and (size := self._size(max(_SHORTEST, self._foreseen(job)))):
            return f"{size}_probes"
        return None

    def _size(self, minutes: float) -> str | None:
        # On a partition of half an hour only half as much is put together.
        scale = max(1.0, _LONGEST / self._site.longest)
        return next((name for name, (most, _) in SIZES.items() if minutes * scale <= most), None)

    @cached_property
    def _tree_of(self) -> dict[str, str]:
        """Name of a job → its tree, for each training and each probe that stands on one tree."""
        plan = self.campaign.plan
        roots: dict[str, str] = {}
        for segment in plan.segments.values():  # each after its parent
            if segment.parent is not None:
                roots[segment.name] = roots.get(segment.parent, segment.name)
        trees = {}
        for job in self.campaign.jobs:
            block = job.wildcards.get("block")
            if job.rule == "train_segment":
                trees[job.name] = f"{roots[job.wildcards['segment']]} {block}"
            elif job.rule == "measure_probe":
                found = {roots[name] for name in plan.probes[job.wildcards["probe"]].segments if name in roots}
                if len(found) == 1:
                    trees[job.name] = f"{found.pop()} {block}"
        return trees

    @cached_property
    def _minutes_of_tree(self) -> Mapping[str, int]:
        minutes: defaultdict[str, int] = defaultdict(int)
        for job in self.campaign.jobs:
            if job.name in self._tree_of:
                minutes[self._tree_of[job.name]] += max(_SHORTEST, self._foreseen(job))
        return minutes
