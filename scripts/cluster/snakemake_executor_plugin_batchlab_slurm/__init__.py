"""Snakemake's executor for Slurm, which asks for the site, loses no job while Slurm is away, and looks soon enough.

`profiles/slurm` chooses it. Snakemake finds it by its name among the packages on Python's path; `make` puts `scripts/`
there. Its options are those of `snakemake-executor-plugin-slurm`, after `--batchlab-slurm-`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import snakemake_executor_plugin_slurm as slurm
from snakemake_executor_plugin_slurm import common_settings

from batchlab.cluster.site_file import required
from batchlab.errors import BatchlabError

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

# Seconds between two questions to Slurm at most. One question is about all jobs of a run.
_LONGEST = 60
# Seconds between two tries to submit something to a Slurm that is away.
_AWAY = 5


def _answers() -> bool:
    """Return whether Slurm takes jobs; True where that cannot be found out."""
    try:
        found = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, check=False)
    except OSError:
        return True
    return "UP" in found.stdout or "DOWN" not in found.stdout


def _known() -> set[str] | None:
    """Return the numbers of all jobs of this user that Slurm knows, ended ones too; None if it does not answer."""
    command = ["squeue", "--me", "--noheader", "--states=all", "--format=%A"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return set(found.stdout.split()) if found.returncode == 0 else None


@dataclass
class ExecutorSettings(slurm.ExecutorSettings):
    """The options of the other executor."""


class Executor(slurm.Executor):
    """Submits jobs to Slurm and follows them."""

    next_seconds_between_status_checks: float

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Begin with no job known."""
        # First, because the rest starts the thread that looks for jobs, which a missing attribute would end, unnoticed.
        self._reported: set[int] = set()
        # Jobs that Slurm did not know when it was last asked, and when that was.
        self._unknown: set[str] = set()
        self._asked = time.monotonic()
        super().__init__(*arguments, **named)

    def __post_init__(self, *arguments: Any, **named: Any) -> None:
        """Look for what the site must say, before anything is submitted."""
        try:
            required(os.environ)
        except BatchlabError as problem:
            sys.exit(f"batchlab: error: {problem}")
        super().__post_init__(*arguments, **named)

    def report_job_success(self, job_info: Any) -> None:
        """Note that a job has ended well."""
        self._reported.add(id(job_info))
        super().report_job_success(job_info)

    def report_job_error(self, job_info: Any, msg: str | None = None, **named: Any) -> None:
        """Note that a job has failed, and say why: of a group Snakemake itself would not."""
        self._reported.add(id(job_info))
        if msg and job_info.job.is_group():
            self.logger.warning(msg)
        super().report_job_error(job_info, msg=msg, **named)

    def run_job(self, job: Any) -> None:
        """Submit a job, as soon as Slurm answers: a failed submission would count as a failed attempt."""
        told = False
        while not _answers():
            if not told:
                self.logger.warning("Slurm does not answer; submissions wait for it")
            told = True
            time.sleep(_AWAY)
        super().run_job(job)

    def _forgotten(self, active: list[Any]) -> list[Any]:
        """Return the jobs of which Slurm knew nothing twice, a minute apart: it was started without its state.

        The same goes for jobs that ended while this process was stopped, longer ago than Slurm remembers.
        """
        if time.monotonic() - self._asked < _LONGEST or (known := _known()) is None:
            return []
        self._asked = time.monotonic()
        before, self._unknown = self._unknown, {job.external_jobid for job in active} - known
        return [job for job in active if job.external_jobid in before & self._unknown]

    async def check_active_jobs(self, active_jobs: list[Any]) -> AsyncGenerator[Any, None]:
        """Yield the jobs that still wait or run.

        If Slurm does not answer, the other executor yields none and so forgets them all; then they are asked for again.
        """
        self._reported.clear()
        async for _ in super().check_active_jobs(active_jobs):
            pass
        active = [job for job in active_jobs if id(job) not in self._reported]
        for job in self._forgotten(active):
            if all(Path(path).exists() for path in job.job.output):
                self.report_job_success(job)
            else:
                self.report_job_error(job, msg=f"Slurm knows nothing of job {job.external_jobid} any more")
        for job in active:
            if id(job) not in self._reported:
                yield job
        begin = self.workflow.executor_settings.init_seconds_before_status_checks
        longest = begin if self._reported else _LONGEST
        self.next_seconds_between_status_checks = min(self.next_seconds_between_status_checks, longest)
