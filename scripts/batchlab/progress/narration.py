"""What a run says while it goes on and at its end, event by event."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from batchlab.planning.lookup import Campaign
from batchlab.progress import checkpoints
from batchlab.progress.job_names import duration, size, stage
from batchlab.progress.results import counts, more_seeds, recommended
from batchlab.progress.run import Run, by_study, forecast
from batchlab.progress.screen import Screen, bar

# Seconds between two drawings of the live line, two looks at checkpoints, and two plain lines about long jobs.
_DRAW, _LOOK, _SPEAK = 0.5, 5.0, 60.0
_ERROR = "batchlab: error: "
_MOST_ERRORS = 10


class Telling:
    """Tells a run on a screen.

    Args:
        screen: The terminal.
        clock: Seconds, for tests.
    """

    def __init__(self, screen: Screen, clock: Callable[[], float] = time.monotonic) -> None:
        self.screen, self._clock = screen, clock
        self._run: Run | None = None
        self._errors: dict[str, None] = {}
        # Jobs that ended badly and did not say why, in words for a line and for the end.
        self._unexplained: list[tuple[str, str]] = []
        self._stopped = False
        self._looked = self._spoke = clock()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    # Events

    def begin(self, campaign: Campaign, counts: Mapping[str, int], cores: int) -> None:
        """Say what is ahead: how many jobs, and how long they will take."""
        with self._lock:
            self._run = Run(campaign, cores, self._clock)
            self._run.expect(counts)
            if self._run.expected:
                _, left = self._run.progress()
                self.screen.line(f"{self._run.expected} jobs, about {duration(left)} on {cores} cores")
            if hint := data_first(campaign, counts):
                self.screen.line(hint)
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def started(self, number: int, rule: str, wildcards: Mapping[str, str]) -> None:
        """Note that a job begins."""
        with self._lock:
            if self._run:
                self._run.start(number, rule, wildcards)

    def finished(self, number: int) -> None:
        """Note that a job has ended; without a terminal, a line says so."""
        with self._lock:
            ended = self._run.finish(number) if self._run else None
            if self._run and ended and not self.screen.live:
                job, took = ended
                self.screen.line(f"{self._how_far()} · {self._run.words.of(job)}: {duration(took)}")

    def failed(self, number: int, logs: list[str]) -> None:
        """Note that a job has failed; its log has the one line that says why, unless it was stopped."""
        with self._lock:
            job = self._run.fail(number) if self._run else None
            line = f"failed: {self._run.words.of(job) if job and self._run else 'a job'}"
            if reason := next(filter(None, map(_reason, map(Path, logs))), None):
                self.screen.line(line)
                self._errors.setdefault(reason)
            else:
                name = job.message if job else "a job"
                self._unexplained.append((line, f"{_ERROR}{name} failed; its log is {', '.join(logs) or 'empty'}"))

    def stopped(self) -> None:
        """Note that the user has stopped the run, by Ctrl-C: jobs that end by it have not failed."""
        with self._lock:
            self._stopped = True

    def message(self, text: str) -> None:
        """Show a line that is not about a job."""
        with self._lock:
            self.screen.line(text)

    def error(self, text: str) -> None:
        """Keep what stopped Snakemake itself for the end."""
        with self._lock:
            if text.strip():
                self._errors.setdefault(text.strip())

    # The live line

    def _tick(self) -> None:
        while not self._stop.wait(_DRAW):
            with self._lock:
                if self._run is None:
                    continue
                now = self._clock()
                if now - self._looked >= _LOOK:
                    self._looked = now
                    self._look()
                if self.screen.live and self._run.running:
                    self.screen.draw(self._live())
                elif now - self._spoke >= _SPEAK:
                    self._spoke = now
                    for text in self._long():
                        self.screen.line(text)

    def _look(self) -> None:
        run = self._run
        for number, each in run.running.items() if run else ():
            if run and each.job.rule == "train_segment":
                found = checkpoints.epochs(each.job, self._examples(each.job.wildcards["segment"]), each.trainings)
                if found:
                    run.tell_share(number, found[0])

    def _examples(self, segment: str) -> int:
        assert self._run is not None
        plan = self._run.campaign.plan
        return plan.data[plan.segments[segment].data].shape.examples_train

    def _how_far(self) -> str:
        assert self._run is not None
        share, left = self._run.progress()
        rest = f"{duration(left)} left" if share < 1 else "done"
        # 100 % is when nothing is left.
        return f"{min(99, int(100 * share)) if share < 1 else 100} %, {rest}"

    def _epoch(self, number: int) -> str:
        assert self._run is not None
        job, trainings = self._run.running[number].job, self._run.running[number].trainings
        if job.rule != "train_segment":
            return ""
        found = checkpoints.epochs(job, self._examples(job.wildcards["segment"]), trainings)
        return f", {found[1]}" if found else ""

    def _live(self) -> str:
        assert self._run is not None
        share, _ = self._run.progress()
        jobs = [f"{self._run.words.of(each.job)}{self._epoch(number)}" for number, each in self._run.running.items()]
        return " · ".join([f"{bar(share)} {self._how_far()}", *jobs])

    def _long(self) -> list[str]:
        """Return a line for each job that has run for a minute or more."""
        assert self._run is not None
        now = self._clock()
        return [
            f"{self._how_far()} · {self._run.words.of(each.job)}{self._epoch(number)}: for {duration(now - each.began)}"
            for number, each in self._run.running.items()
            if now - each.began >= _SPEAK
        ]

    # The end

    def end(self) -> None:
        """Stop drawing and sum the run up; reasons of failures come last."""
        self._stop.set()
        if self._ticker:
            self._ticker.join()
        with self._lock:
            self.screen.clear()
            for line, error in () if self._stopped else self._unexplained:
                self.screen.line(line)
                self._errors.setdefault(error)
            if self._run and (self._run.finished or self._run.failed or self._stopped):
                for text in self._sum():
                    self.screen.line(text)
            lines = list(self._errors)
            ours = [line for line in lines if line.startswith(_ERROR)]
            # What Snakemake says of jobs that were stopped is no news to who has stopped them.
            for line in (ours or ([] if self._stopped else lines))[:_MOST_ERRORS]:
                self.screen.line(line)

    def _sum(self) -> list[str]:
        run = self._run
        assert run is not None
        stages = [
            f"{name} {duration(run.seconds[name])}"
            for name in dict.fromkeys(stage(job) for job in run.campaign.jobs)
            if run.finished[name]
        ]
        jobs = "1 job" if run.finished.total() == 1 else f"{run.finished.total()} jobs"
        texts = [f"{jobs} in {duration(run.elapsed)}" + (f"; seconds of jobs: {', '.join(stages)}" if stages else "")]
        if self._stopped:
            texts.append("Stopped, as you asked; the same command goes on")
        elif run.failed:
            texts.append(
                f"{run.failed} failed, and what depends on them was not begun; mended, the same command goes on"
            )
        elif not self._errors:
            texts += recommended(run.campaign)
            table = Path(run.campaign.results, "tables/claims.csv")
            if found := counts(table):
                texts.append(f"Verdicts on claims: {found} ({table})")
            texts += more_seeds(run.campaign, table)
        return texts


def _reason(log: Path) -> str | None:
    """Return the last of our error lines in a log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line for line in reversed(lines) if line.startswith(_ERROR)), None)


def foretold(campaign: Campaign, counts: Mapping[str, int], cores: int) -> str:
    """Return what a run will cost: time, memory, disk, from where that is known, and the work of each study.

    Args:
        campaign: The planned campaign.
        counts: Rule → number of jobs that will run.
        cores: Jobs at once.
    """
    jobs = [job for job in campaign.waiting() if job.rule in counts]
    if not jobs:
        return ""
    work, wait, memory, disk, known = forecast(campaign, jobs, cores)
    origin = {True: "from the times of earlier jobs", False: "from declared costs, since nothing like it ran here yet"}
    source = (
        origin[known > 0.99]
        if known in (0.0, 1.0) or known > 0.99
        else (f"{known:.0%} of it from the times of earlier jobs, the rest from declared costs")
    )
    hint = data_first(campaign, counts)
    return (
        f"It will take about {duration(wait)} on {cores} cores ({duration(work)} of work), up to {size(memory)} memory "
        f"and {size(disk)} on disk: {source}.\nWork by study, what several need with the first: "
        + ", ".join(f"{study} {duration(seconds)}" for study, seconds in by_study(campaign, jobs).items())
        + (f"\n{hint}" if hint else "")
    )


def data_first(campaign: Campaign, counts: Mapping[str, int]) -> str:
    """Return how to spare jobs that wait for nothing but data prepared by other code; empty if there are none.

    Args:
        campaign: The planned campaign.
        counts: Rule → number of jobs that will run.
    """
    data, spared = campaign.perhaps_spared()
    spared = [job for job in spared if job.rule in counts]
    if not data or not spared:
        return ""
    # Of part of a campaign, Snakemake says how many jobs of a rule there are, not which.
    most = sum(min(counts[rule], number) for rule, number in Counter(job.rule for job in spared).items())
    names = ", ".join(job.wildcards["dataset"] for job in data)
    return (
        f"{names}: there, but prepared by other code. `make data` (`snakemake data`) for this campaign prepares them "
        f"alone; if they come out the same, up to {most} of these jobs need not run."
    )
