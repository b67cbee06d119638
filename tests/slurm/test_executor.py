"""What the executor adds to that of Snakemake, with programs that only pretend to be Slurm's."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.skipif("BATCHLAB_SLURM" not in os.environ, reason="make test-slurm installs the plugin")


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An executor whose other half submits into a list and sees no job end."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts/cluster"))
    import snakemake_executor_plugin_batchlab_slurm as ours
    import snakemake_executor_plugin_slurm as other

    async def nothing(self: Any, active_jobs: list[Any]) -> Any:
        for job in []:
            yield job

    made = object.__new__(ours.Executor)
    submitted: list[Any] = []
    monkeypatch.setattr(other.Executor, "run_job", lambda self, job: submitted.append(job))
    monkeypatch.setattr(other.Executor, "check_active_jobs", nothing)
    ended: dict[str, str] = {}
    monkeypatch.setattr(
        other.Executor, "report_job_success", lambda self, job: ended.update({job.external_jobid: "success"})
    )
    monkeypatch.setattr(
        other.Executor, "report_job_error", lambda self, job, msg: ended.update({job.external_jobid: msg})
    )
    monkeypatch.setattr(ours, "_AWAY", 0.05)
    monkeypatch.setattr(ours, "_LONGEST", 0.0)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    warnings: list[str] = []
    settings = SimpleNamespace(init_seconds_before_status_checks=10)
    made.workflow = SimpleNamespace(executor_settings=settings)
    made.logger = SimpleNamespace(warning=warnings.append)
    made.next_seconds_between_status_checks = 40
    made._reported, made._unknown, made._asked = set(), set(), time.monotonic()
    made.submitted, made.ended, made.warnings = submitted, ended, warnings
    return made


def pretend(name: str, text: str) -> None:
    Path(name).write_text(f"#!/bin/sh\n{text}\n")
    Path(name).chmod(0o755)


def active(executor: Any, jobs: list[Any]) -> list[str]:
    async def ask() -> list[str]:
        return [job.external_jobid async for job in executor.check_active_jobs(jobs)]

    return asyncio.run(ask())


def test_the_first_look_for_jobs_may_come_before_all_is_set_up(executor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snakemake starts the thread that looks for jobs while it sets up the executor."""
    looked: list[list[str]] = []

    def begin(self: Any, workflow: Any) -> None:
        self.workflow, self.next_seconds_between_status_checks = workflow, 40
        looked.append(active(self, []))

    monkeypatch.setattr(type(executor).__mro__[1], "__init__", begin)
    type(executor)(executor.workflow)
    assert looked == [[]]


def test_a_submission_waits_until_slurm_answers(executor: Any) -> None:
    pretend(
        "scontrol", "test -e back && echo 'Slurmctld(primary) at x is UP' || { touch back; echo 'is DOWN'; exit 1; }"
    )
    executor.run_job("job")
    assert executor.submitted == ["job"]
    assert executor.warnings == ["Slurm does not answer; submissions wait for it"]


def test_jobs_that_slurm_does_not_know_twice_have_ended_as_their_outputs_say(executor: Any) -> None:
    pretend("squeue", "echo 11")
    Path("there").touch()
    jobs = [
        SimpleNamespace(external_jobid=number, job=SimpleNamespace(output=[output], is_group=lambda group=group: group))
        for number, output, group in (("11", "none", False), ("12", "there", False), ("13", "none", True))
    ]
    # The other executor tells of none, as it does when Slurm does not answer: they are asked for again.
    assert active(executor, jobs) == ["11", "12", "13"]
    assert executor.ended == {}
    assert active(executor, jobs) == ["11"]
    lost = "Slurm knows nothing of job 13 any more"
    assert executor.ended == {"12": "success", "13": lost}
    # Snakemake would tell it of a single job only.
    assert executor.warnings == [lost]


def test_while_slurm_is_away_nothing_is_forgotten(executor: Any) -> None:
    pretend("squeue", "exit 1")
    jobs = [SimpleNamespace(external_jobid="12", job=SimpleNamespace(output=[]))]
    assert active(executor, jobs) == active(executor, jobs) == active(executor, jobs) == ["12"]
    assert executor.ended == {}
