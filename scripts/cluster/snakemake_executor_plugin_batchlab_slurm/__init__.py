"""Snakemake's executor for Slurm, with three differences: it asks for the site, loses no job, and looks soon enough.

`profiles/slurm` chooses it. Snakemake finds it by its name among the packages on Python's path; `make` puts `scripts/`
there. Its options are those of `snakemake-executor-plugin-slurm`, after `--batchlab-slurm-`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import snakemake_executor_plugin_slurm as slurm
from snakemake_executor_plugin_slurm import common_settings

from batchlab.cluster.site_file import required
from batchlab.errors import BatchlabError

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

# Seconds between two questions to Slurm at most. One question is about all jobs of a run.
_LONGEST = 60


@dataclass
class ExecutorSettings(slurm.ExecutorSettings):
    """The options of the other executor."""


class Executor(slurm.Executor):
    """Submits jobs to Slurm and follows them."""

    next_seconds_between_status_checks: float

    def __post_init__(self, *arguments: Any, **named: Any) -> None:
        """Look for what the site must say, before anything is submitted."""
        try:
            required(os.environ)
        except BatchlabError as problem:
            sys.exit(f"batchlab: error: {problem}")
        self._reported: set[int] = set()
        super().__post_init__(*arguments, **named)

    def report_job_success(self, job_info: Any) -> None:
        """Note that a job has ended well."""
        self._reported.add(id(job_info))
        super().report_job_success(job_info)

    def report_job_error(self, job_info: Any, *arguments: Any, **named: Any) -> None:
        """Note that a job has failed."""
        self._reported.add(id(job_info))
        super().report_job_error(job_info, *arguments, **named)

    async def check_active_jobs(self, active_jobs: list[Any]) -> AsyncGenerator[Any, None]:
        """Yield the jobs that still wait or run.

        If Slurm does not answer, the other executor yields none and so forgets them all; then they are asked for again.
        """
        self._reported.clear()
        told = set()
        async for job in super().check_active_jobs(active_jobs):
            told.add(id(job))
            yield job
        for job in active_jobs:
            if id(job) not in told | self._reported:
                yield job
        begin = self.workflow.executor_settings.init_seconds_before_status_checks
        longest = begin if self._reported else _LONGEST
        self.next_seconds_between_status_checks = min(self.next_seconds_between_status_checks, longest)
