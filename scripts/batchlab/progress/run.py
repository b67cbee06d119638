"""How far a run is, in seconds of work: what is done, what runs, what waits, and how long that will take."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from batchlab.planning.jobs import Job
from batchlab.planning.lookup import Campaign
from batchlab.planning.together import AHEAD
from batchlab.progress.costs import Costs
from batchlab.progress.job_names import Words, stage

# A job that takes longer than foreseen counts as so much done until it ends.
_ALMOST = 0.97
# Seconds of a job that only takes what was trained together with others.
_TAKING = 1.0
# The speed of a run is believed after as much work as this share of it; until then it is one job a core.
_BELIEF = 0.08


@dataclass
class Running:
    """A job that runs: the job, its cost in seconds, when it began, and the share that it is known to have done.

    Of trainings that are made together it is the first one, and `trainings` is their number.
    """

    job: Job
    cost: float
    began: float
    known: float = 0.0
    trainings: int = 1


class Run:
    """The progress of one call of Snakemake.

    Args:
        campaign: The planned campaign.
        cores: Jobs at once.
        clock: Seconds, for tests.
    """

    def __init__(self, campaign: Campaign, cores: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.campaign, self.cores, self._clock = campaign, max(1, cores), clock
        self.costs, self.words = Costs(campaign.jobs), Words(campaign.plan)
        self.running: dict[int, Running] = {}
        self.finished: Counter[str] = Counter()  # stage → jobs
        self.seconds: defaultdict[str, float] = defaultdict(float)  # stage → seconds of jobs
        self.failed = 0
        self._began = clock()
        self._done = 0.0
        self._waiting: dict[str, Job] = {}
        self._counts: Counter[str] = Counter()
        self._made_ahead: set[str] = set()  # names of jobs whose work another one does

    def expect(self, counts: Mapping[str, int]) -> None:
        """Take over how many jobs of each rule Snakemake will run; which ones, the records say."""
        rules = {job.rule for job in self.campaign.jobs}
        self._counts = Counter({rule: count for rule, count in counts.items() if rule in rules})
        self._waiting = {job.name: job for job in self.campaign.waiting() if job.rule in self._counts}
        self._began = self._clock()

    @property
    def expected(self) -> int:
        """Number of jobs that do something, at the beginning."""
        return self._counts.total() + self.finished.total() + len(self.running) + self.failed

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._began

    def start(self, number: int, rule: str, wildcards: Mapping[str, str]) -> Job | None:
        """Note that a job begins and return it; None for a target, which does nothing."""
        if rule == AHEAD:
            return self._start_together(number, wildcards)
        try:
            job = self.campaign.jobs.find(rule, wildcards)
        except KeyError:
            return None
        self.running[number] = Running(job, self._cost(job), self._clock())
        self._waiting.pop(job.name, None)
        self._counts[rule] = max(0, self._counts[rule] - 1)
        return job

    def _start_together(self, number: int, wildcards: Mapping[str, str]) -> Job | None:
        """Note that trainings begin which are made together, and return the first one."""
        if not (jobs := self.campaign.together(wildcards)):
            return None
        self.running[number] = Running(jobs[0], sum(map(self._cost, jobs)), self._clock(), trainings=len(jobs))
        self._made_ahead |= {job.name for job in jobs}
        return jobs[0]

    def _cost(self, job: Job) -> float:
        return _TAKING if job.name in self._made_ahead else self.costs.seconds(job)

    def finish(self, number: int) -> tuple[Job, float] | None:
        """Note that a job has ended well; return it with its seconds, or None if it is unknown."""
        if (ended := self.running.pop(number, None)) is None:
            return None
        took = self._clock() - ended.began
        self._done += ended.cost
        self.finished[stage(ended.job)] += 1
        self.seconds[stage(ended.job)] += took
        return ended.job, took

    def fail(self, number: int) -> Job | None:
        """Note that a job has failed, and return it."""
        ended = self.running.pop(number, None)
        self.failed += ended is not None
        return ended.job if ended else None

    def _still_to_come(self) -> float:
        """Return the seconds of jobs that have not begun: of each rule, the number × their mean."""
        by_rule: defaultdict[str, list[float]] = defaultdict(list)
        for job in self._waiting.values():
            by_rule[job.rule].append(self._cost(job))
        total = 0.0
        for rule, count in self._counts.items():
            known = by_rule[rule]
            if count and not known:
                known = [self._cost(job) for job in self.campaign.jobs if job.rule == rule]
            total += count * sum(known) / len(known) if count else 0.0
        return total

    def _work(self) -> tuple[float, float]:
        """Return the seconds of work that are done, and all."""
        now = self._clock()
        underway = sum(
            each.cost * max(each.known, min(_ALMOST, (now - each.began) / each.cost)) for each in self.running.values()
        )
        total = self._done + sum(each.cost for each in self.running.values()) + self._still_to_come()
        return self._done + underway, total

    def progress(self) -> tuple[float, float]:
        """Return the share of the work that is done, 0 to 1, and the seconds that the rest will take."""
        done, total = self._work()
        if total <= 0:
            return 1.0, 0.0
        belief = _BELIEF * total
        speed = (done + belief) / (self.elapsed + belief / self.cores)
        return done / total, (total - done) / speed

    def tell_share(self, number: int, share: float) -> None:
        """Take over how much of a running job is known to be done, 0 to 1."""
        if number in self.running:
            self.running[number].known = min(_ALMOST, share)


def by_study(campaign: Campaign, jobs: Iterable[Job]) -> dict[str, float]:
    """Return study → seconds of work of its jobs; what several studies need counts with the first of them.

    Args:
        campaign: The planned campaign.
        jobs: Those that will run.
    """
    costs, words = Costs(campaign.jobs), Words(campaign.plan)
    found: defaultdict[str, float] = defaultdict(float)
    for job in jobs:
        found[words.study(job)] += costs.seconds(job)
    return {study: found[study] for study in campaign.plan.studies if study in found}


def forecast(campaign: Campaign, jobs: Iterable[Job], cores: int) -> tuple[float, float, float, float, float]:
    """Return what jobs will cost: seconds of work, seconds to wait, MB at once, MB on disk, share that is measured.

    Args:
        campaign: The planned campaign.
        jobs: Those that will run, each after those that it needs.
        cores: Jobs at once.
    """
    chosen, costs = list(jobs), Costs(campaign.jobs)
    work = sum(map(costs.seconds, chosen))
    at_once = sorted(map(costs.memory, chosen), reverse=True)[:cores]
    known = sum(costs.seconds(job) for job in chosen if costs.is_measured(job))
    return (
        work,
        max(work / max(1, cores), costs.longest(chosen)),
        sum(at_once),
        sum(map(costs.megabytes, chosen)),
        known / work if work else 1.0,
    )
