"""One GPU for each job: never two jobs on one device, whoever started them and however they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchlab.errors import BatchlabError
from batchlab.paths import SCRIPTS
from batchlab.records import gpus

# Takes a GPU, says which one, and keeps it until it is told to end.
PROGRAM = """
import os, sys
from batchlab.records import gpus
gpus._PAUSE = gpus._LONGEST_PAUSE = 0.02
gpus.hold_one()
gpus.hold_one()
print(os.environ.get("CUDA_VISIBLE_DEVICES", "all"), os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", ""), flush=True)
sys.stdin.readline()
"""


class Job:
    """A process that holds a GPU."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("CUDA_", "SLURM_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", PROGRAM],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**kept, "PYTHONPATH": str(SCRIPTS), "TMPDIR": str(folder), **environment},
        )

    @property
    def device(self) -> str:
        return self.place[0]

    @property
    def place(self) -> list[str]:
        """The device, and the fraction of its memory where one is set."""
        assert self.process.stdout
        return self.process.stdout.readline().split()

    @property
    def said(self) -> str:
        assert self.process.stderr
        return self.process.stderr.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_each_job_sees_a_device_of_its_own_and_one_too_many_waits_for_the_first_that_dies(tmp_path: Path) -> None:
    first, second = (Job(tmp_path, CUDA_VISIBLE_DEVICES="4,GPU-7a") for _ in range(2))
    held = [first.device, second.device]
    assert sorted(held) == ["4", "GPU-7a"]
    third = Job(tmp_path, CUDA_VISIBLE_DEVICES="4,GPU-7a")
    assert third.said == "batchlab: waits for a GPU; others use 4, GPU-7a"
    second.end()
    assert third.device == held[1]
    first.end()
    third.end()


def test_jobs_that_share_devices_fill_each_once_before_one_twice_and_reserve_their_part(tmp_path: Path) -> None:
    shared = {"CUDA_VISIBLE_DEVICES": "0,1", "BATCHLAB_JOBS_PER_GPU": "2"}
    jobs, places = [], []
    for _ in range(4):
        jobs.append(Job(tmp_path, **shared))
        places.append(jobs[-1].place)
    assert places == [["0", "0.4500"], ["1", "0.4500"], ["0", "0.4500"], ["1", "0.4500"]]
    waits = Job(tmp_path, **shared, XLA_PYTHON_CLIENT_MEM_FRACTION="0.2")
    assert waits.said == "batchlab: waits for a GPU; others use 0, 1"
    jobs.pop(2).end()
    assert waits.place == ["0", "0.2"]
    for job in [*jobs, waits]:
        job.end()


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_of_jobs_for_each_gpu_is_refused(given: str) -> None:
    with pytest.raises(BatchlabError, match="the number of jobs that share a GPU"):
        gpus.jobs_per_device({"BATCHLAB_JOBS_PER_GPU": given})


def test_where_nobody_says_which_gpus_there_are_they_count_as_one(tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    holds = Job(tmp_path, PATH=str(tmp_path))
    assert holds.device == "all"
    waits = Job(tmp_path, PATH=str(tmp_path))
    assert waits.said == "batchlab: waits for a GPU; others use all"
    holds.end()
    assert waits.device == "all"
    waits.end()


def test_jobs_of_slurm_number_their_gpus_each_for_itself(tmp_path: Path) -> None:
    jobs = [Job(tmp_path, CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID=number) for number in ("11", "12")]
    assert [job.device for job in jobs] == ["0", "0"]
    for job in jobs:
        job.end()


@pytest.mark.parametrize(
    ("listed", "told", "expected"),
    [
        ("1, 3", "", ["1", "3"]),
        ("", "GPU-a", []),  # a person has hidden all
        ("-1", "GPU-a", []),
        (None, "GPU-a\nMIG-b\n", ["GPU-a", "MIG-b"]),
        (None, None, None),
    ],
)
def test_the_environment_says_which_gpus_there_are_or_else_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str | None, told: str | None, expected: list[str] | None
) -> None:
    if told is not None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n/usr/bin/printf '{told}'\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.devices({} if listed is None else {"CUDA_VISIBLE_DEVICES": listed}) == expected
