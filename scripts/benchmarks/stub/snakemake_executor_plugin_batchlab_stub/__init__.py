"""An executor that pretends: each submission makes its outputs, empty, and has ended at the next look.

`benchmarks.many` measures with it what Snakemake itself needs for many jobs. Only that puts it on Python's path.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False, init_seconds_before_status_checks=1
)


class Executor(RemoteExecutor):
    """Submits nothing; each submission is a line of the file that `BATCHLAB_SUBMISSIONS` names."""

    def __post_init__(self) -> None:
        """Nothing is to be prepared."""

    def run_job(self, job: Any) -> None:
        """Make the outputs of a job or of a group of jobs."""
        members = list(job.jobs) if job.is_group() else [job]
        for member in members:
            for output in map(Path, member.output):
                output.parent.mkdir(parents=True, exist_ok=True)
                output.touch()
            for measured in filter(None, [member.benchmark]):
                Path(measured).parent.mkdir(parents=True, exist_ok=True)
                Path(measured).touch()
        with open(os.environ["BATCHLAB_SUBMISSIONS"], "a", encoding="utf-8") as file:
            print(len(members), file=file)
        self.report_job_submission(SubmittedJobInfo(job))

    async def check_active_jobs(self, active_jobs: list[Any]) -> AsyncGenerator[Any, None]:
        """Report all as ended and yield those that have not: none."""
        working: list[Any] = []
        for job in active_jobs:
            self.report_job_success(job)
        for job in working:
            yield job

    def cancel_jobs(self, active_jobs: list[Any]) -> None:
        """Nothing runs."""
