"""A campaign on a real Slurm: what is asked for, and what happens when jobs, nodes, Slurm or Snakemake are lost.

`make test-slurm` runs it; nothing here is real but Slurm itself: two nodes on one machine, and GPUs that are none.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from slurm.one_host import OneHost, missing, one_host, until
from workflow.artefacts import results
from workflow.checkouts import ONE, Checkout

pytestmark = pytest.mark.skipif(
    "BATCHLAB_SLURM" not in os.environ, reason="make test-slurm starts a Slurm on this machine"
)
WHERE_IT_STARTS = "where it starts"
# A campaign ends within so many seconds, also on a busy machine.
PATIENCE = float(os.environ.get("BATCHLAB_PATIENCE", "1800"))
SITE = {"account": "none", "partition": "ci", "longest": 60, "gpu": "gpu:1"}


@pytest.fixture(scope="module")
def slurm() -> Iterator[OneHost]:
    assert not missing(), f"apt-get install {' '.join(missing())}"
    folder = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))
    folder.chmod(0o755)  # munged insists that everybody can get to its socket
    with contextlib.ExitStack() as running:
        try:
            started = running.enter_context(one_host(folder / "s"))
        except AssertionError as problem:
            # A container may allow no daemons; whoever asks for the whole test is told so as a failure.
            if os.environ["BATCHLAB_SLURM"] != WHERE_IT_STARTS:
                raise
            pytest.skip(f"Slurm does not start here: {problem}")
        yield started
    shutil.rmtree(folder, ignore_errors=True)


class Run:
    """A checkout whose campaign runs on Slurm."""

    def __init__(self, folder: Path, slurm: OneHost, campaign: dict[str, Any] = ONE, **site: Any) -> None:
        self.checkout, self.slurm = Checkout(folder, campaign), slurm
        (folder / "profiles/slurm/site.yaml").write_text(yaml.safe_dump(SITE | site))
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Snakemake; unlike a shell's background job it can be interrupted."""
        command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm", *arguments]
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                [*command, "--configfile", "config/small.yaml"],
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self.slurm.environment, "PYTHONPATH": "scripts:scripts/cluster", "LC_ALL": "C"},
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
            )

    @property
    def said(self) -> str:
        return (self.folder / "output").read_text()

    def jobs(self, state: str = "") -> dict[int, dict[str, str]]:
        """Return this run's jobs, those in a state."""
        own = ((number, job) for number, job in self.slurm.jobs().items() if job["WorkDir"] == str(self.folder))
        return {number: job for number, job in own if state in job["JobState"]}

    def job(self, what: str, after: int = 0) -> int:
        """Wait until a job of a group runs, and return its number."""
        found: list[int] = []

        def runs() -> bool:
            jobs = self.jobs("RUNNING").items()
            found[:] = [number for number, job in jobs if number > after and what in job.get("Comment", "")]
            return bool(found)

        until(runs, PATIENCE, f"a job {what} runs; {self.said[-2000:]}")
        return found[0]

    def ends(self, started: subprocess.Popen[bytes], code: int = 0) -> None:
        assert started.wait(PATIENCE) == code, self.said[-4000:]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    checkout = Checkout(tmp_path_factory.mktemp("local") / "project", ONE)
    code, output = checkout.snakemake()
    assert code == 0, output
    return results(checkout.folder)


def records(folder: Path) -> dict[str, dict[str, Any]]:
    found = (folder / "results").rglob("*provenance.json")
    return {str(path.parent.relative_to(folder)): json.loads(path.read_text()) for path in found}


def test_a_calm_run_asks_for_what_was_planned_and_gives_the_bits_of_a_local_one(
    slurm: OneHost, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = Run(tmp_path / "project", slurm, longest=45)
    started = run.start("--config", "device=cpu")
    local = request.getfixturevalue("local")  # meanwhile
    run.ends(started)
    jobs = run.jobs()
    # Three submissions: tables, claims, figures and the report are none.
    assert sorted(job["Comment"] for job in jobs.values()) == [
        "rule_initial_initialise_model",
        "rule_small_trees_measure_probe_train_segment",
        "rule_tiny_trees_train_segment",
    ]
    for job in jobs.values():
        assert job["JobState"] == "COMPLETED" and job["Partition"] == "ci"
        assert job["NumCPUs"] == "1" and job["MinMemoryNode"] == "1500M"
    limits = {job["Comment"].split("_")[1]: job["TimeLimit"] for job in jobs.values()}
    # Three minutes for each job: two of them, one after the other, in the tree with the probe.
    assert limits == {"initial": "00:03:00", "tiny": "00:03:00", "small": "00:06:00"}
    assert results(run.folder) == local


def alone(**changes: Any) -> dict[str, Any]:
    """Return a campaign of one training."""
    study = {**ONE["studies"]["sizes"], "arms": {"fixed": {"batch_size": "large"}}, "claims": {}, "probes": {}}
    return {**ONE, "studies": {"sizes": study}, **changes}


def test_the_cut_a_training_whose_first_job_is_cancelled_has_the_bits_of_a_local_one(
    slurm: OneHost, tmp_path: Path
) -> None:
    """What `.ci/run` takes of these tests."""
    run, checkout = Run(tmp_path / "project", slurm, alone()), Checkout(tmp_path / "local", alone())
    started = run.start("--until", "train_segment")
    first = run.job("initial")
    slurm.ask("scancel", str(first))
    code, output = checkout.snakemake("--until", "train_segment")  # meanwhile
    assert code == 0, output
    run.ends(started)
    jobs = [job for _, job in sorted(run.jobs().items())]
    assert [job["JobState"] for job in jobs] == ["CANCELLED", "COMPLETED", "COMPLETED"]
    assert [job["TimeLimit"] for job in jobs] == ["00:03:00", "00:06:00", "00:03:00"]
    assert results(run.folder) == results(checkout.folder)


def test_a_gpu_is_asked_for_and_the_job_sees_one(slurm: OneHost, tmp_path: Path) -> None:
    """The job then says that JAX finds no GPU, because this one is none; it is not tried three times more."""
    run = Run(tmp_path / "project", slurm)
    started = run.start("--config", "backend=jax", "device=gpu", "--retries", "0", "--until", "initialise_model")
    number = run.job("initial")
    assert "gres:gpu:1" in slurm.jobs()[number]["TresPerNode"]
    run.ends(started, 1)
    assert "BATCHLAB_DEVICE=gpu, but JAX finds no such device" in run.said or any(
        "but JAX finds no such device" in log.read_text() for log in (run.folder / "logs").rglob("*.log")
    )


def test_cancelled_jobs_lost_nodes_and_a_slurm_that_is_away_lose_nothing(
    slurm: OneHost, tmp_path: Path, local: dict[str, bytes]
) -> None:
    run = Run(tmp_path / "project", slurm)
    started = run.start()
    first = run.job("initial")
    cancelled = time.monotonic()
    slurm.ask("scancel", str(first))
    again = run.job("initial", after=first)
    assert time.monotonic() - cancelled < 120
    jobs = slurm.jobs()
    assert jobs[first]["JobState"] == "CANCELLED"
    # The second attempt asks for twice as much.
    assert (jobs[again]["TimeLimit"], jobs[again]["MinMemoryNode"]) == ("00:06:00", "2900M")

    # The job may end while Slurm is away, which its node tells later.
    slurm.end("slurmctld")
    time.sleep(20)
    slurm.start_controller()

    number = run.job("small_trees")
    node = slurm.jobs()[number]["NodeList"]
    slurm.lose_node(node, run.folder)
    until(lambda: slurm.jobs()[number]["JobState"] == "NODE_FAIL", 120, "NODE_FAIL")
    slurm.start_node(node)
    run.ends(started)
    assert "NODE_FAIL" in {job["JobState"] for job in run.jobs().values()}
    assert results(run.folder) == local


def test_an_interrupted_snakemake_cancels_its_jobs_and_a_killed_one_is_followed_by_one_that_waits(
    slurm: OneHost, tmp_path: Path, local: dict[str, bytes]
) -> None:
    run = Run(tmp_path / "project", slurm)
    started = run.start()
    number = run.job("initial")
    started.send_signal(signal.SIGINT)
    assert started.wait(PATIENCE) != 0
    until(lambda: slurm.jobs()[number]["JobState"] == "CANCELLED", 60, "cancelled")

    started = run.start()
    orphan = run.job("small_trees")
    segment, process = at_work(run)
    process.suspend()
    started.kill()
    started.wait()
    run.ends(run.start("--unlock"))
    started = run.start()
    follower = run.job("small_trees", after=orphan)
    log = run.folder / f"logs/train_segment/{segment}.log"
    waits = f"batchlab: waits for process {process.pid} on "
    # Snakemake deletes a log before a job.
    until(lambda: log.exists() and waits in log.read_text(), PATIENCE, "the second waits")
    # The orphan holds the job for as long as it lives, asleep or not.
    time.sleep(5)
    assert at_work(run) == (segment, process)
    assert {slurm.jobs()[number]["JobState"] for number in (orphan, follower)} == {"RUNNING"}
    process.resume()
    run.ends(started)
    assert results(run.folder) == local


def at_work(run: Run) -> tuple[str, psutil.Process]:
    """Wait until the training of the tree with the probe is at work; return its segment and block, and its process."""
    found: list[Path] = []

    def works() -> bool:
        notes = (run.folder / ".snakemake/batchlab/running").rglob("*b64*/*/state.npz.json")
        found[:] = [path for path in notes if path.stat().st_size]
        return bool(found)

    until(works, PATIENCE, "a training is at work")
    return "/".join(found[0].parts[-3:-1]), psutil.Process(json.loads(found[0].read_text())["process"])


def test_submissions_wait_for_a_slurm_that_is_away_and_forgotten_jobs_are_noticed(
    slurm: OneHost, tmp_path: Path
) -> None:
    """Slurm is away when the first job is ready; later it falls with a node, and begins again without what it knew."""
    run = Run(tmp_path / "project", slurm)
    slurm.end("slurmctld")
    started = run.start("--until", "initialise_model")
    until(lambda: "Slurm does not answer; submissions wait for it" in run.said, PATIENCE, "it is away")
    time.sleep(10)
    slurm.start_controller()
    first = run.job("initial")
    # Its node falls, too: a job that ended well would not be missed.
    node = slurm.jobs()[first]["NodeList"]
    slurm.lose_node(node, run.folder)
    slurm.end("slurmctld")
    slurm.start_controller("-c")
    slurm.start_node(node)
    assert first not in slurm.jobs()
    run.ends(started)
    assert f"Slurm knows nothing of job {first} any more" in run.said
    assert len(list((run.folder / "results").rglob("state.npz"))) == 1


def test_many_processes_parse_at_once_while_a_campaign_runs(slurm: OneHost, tmp_path: Path) -> None:
    """What each job on a cluster does first. All see a whole plan, and nothing is written by looking."""
    run = Run(tmp_path / "project", slurm)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "all", "--configfile", "config/small.yaml"]
    started = run.start()
    looking = [
        subprocess.Popen(command, cwd=run.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(int(os.environ.get("BATCHLAB_AT_ONCE", "100")))
    ]
    said = [process.communicate()[0] for process in looking]
    run.ends(started)
    assert {process.returncode for process in looking} == {0}, said
    # A dry run beside a run says this, and goes on: it needs no lock.
    lines = {line for text in said for line in text.splitlines() if "Directory cannot be locked" not in line}
    assert not [line for line in lines if "Error" in line or "Traceback" in line]
    assert {job["JobState"] for job in run.jobs().values()} == {"COMPLETED"}


def test_a_training_at_its_time_limit_goes_on_from_its_checkpoint_with_a_longer_one(
    slurm: OneHost, tmp_path: Path
) -> None:
    """The training is stopped after its first checkpoint, so that it reaches its limit on a machine of any speed."""
    # The training takes longer than the 20 seconds between two checkpoints on any machine. The foreseen time is next to
    # nothing, so the first limit is the shortest there is.
    run = Run(tmp_path / "project", slurm, alone(epochs=20_000), time=0.0001)
    started = run.start("--until", "train_segment", "--retries", "20")
    first = run.job("trees")
    until(lambda: list((run.folder / "results").glob("checkpoints/*.npz")), PATIENCE, "a checkpoint")
    [note] = (run.folder / ".snakemake/batchlab/running").rglob("*-b256-*/*/state.npz.json")
    psutil.Process(json.loads(note.read_text())["process"]).suspend()
    [checkpoint] = (run.folder / "results/checkpoints").glob("*.npz")
    with np.load(checkpoint) as file:
        [tables] = json.loads(str(file["progress"]))["progress"]["tables"]
    second = run.job("trees", after=first)
    jobs = slurm.jobs()
    assert jobs[first]["JobState"] == "TIMEOUT"
    assert [jobs[number]["TimeLimit"] for number in (first, second)] == ["00:03:00", "00:06:00"]
    run.ends(started)
    [record] = [found for found in records(run.folder).values() if found["rule"] == "train_segment"]
    assert record["attempts"] >= 2 and record["seconds_before"] > 5
    # Times on the clock tell who trained an epoch: all that the checkpoint held are the first attempt's.
    [history] = (run.folder / "results/segments").glob("*-b256-*/*/history.csv")
    trained = pd.read_csv(history)["seconds"].to_numpy()
    before = [row["seconds"] for row in tables["history"]]
    assert len(before) > 10
    np.testing.assert_allclose(trained[: len(before)], before, rtol=1e-6)


def test_trainings_that_share_a_process_on_one_machine_do_not_on_slurm_and_have_the_same_bits(
    slurm: OneHost, tmp_path: Path
) -> None:
    campaign = copy.deepcopy(ONE)
    study = campaign["studies"]["sizes"]
    study["arms"]["fixed"]["learning_rate"] = [0.05, 0.1, 0.2]
    study["claims"]["learns"]["of"]["learning_rate"] = 0.1
    checkout, run = Checkout(tmp_path / "local", campaign), Run(tmp_path / "project", slurm, campaign)
    started = run.start()
    # Two processes at once would leave one training to each; one trains all of them.
    code, output = checkout.snakemake("--cores", "1")
    assert code == 0 and "and others like it" in output, output
    run.ends(started)
    assert "and others like it" not in run.said
    assert {job["JobState"] for job in run.jobs().values()} == {"COMPLETED"}
    assert results(run.folder) == results(checkout.folder)


def test_what_the_site_must_say_is_one_line(slurm: OneHost, tmp_path: Path) -> None:
    run = Run(tmp_path / "project", slurm)
    (run.folder / "profiles/slurm/site.yaml").unlink()
    started = run.start()
    assert started.wait(PATIENCE) != 0
    line = "profiles/slurm/site.yaml is missing; copy profiles/slurm/site.example.yaml there and fill in three lines"
    assert f"batchlab: error: {line}" in run.said.splitlines()
    assert "Traceback" not in run.said and not run.jobs()
