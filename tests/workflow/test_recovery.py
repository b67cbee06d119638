"""Killed jobs, a killed Snakemake, a full disk, a folder that cannot be written: the same command then finishes.

Five kills by default, one at each kind of step; `BATCHLAB_KILLS=50` kills at random moments as often.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from workflow.artefacts import results
from workflow.checkouts import CAMPAIGN, Checkout

KILLS = int(os.environ.get("BATCHLAB_KILLS", "5"))
# The small campaign with a probe.
NORMS = {"norms": {"probe": "gradient_norms", "epochs": [0, 1], "trials": 200, "batch_sizes": [4, 64], "samples": 256}}
PROBED = {**CAMPAIGN, "studies": {**CAMPAIGN["studies"], "switch": {**CAMPAIGN["studies"]["switch"], "probes": NORMS}}}
SCRIPTS = ("train_segment", "measure_probe", "tabulate_study", "draw_figure")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    made = Checkout(tmp_path_factory.mktemp("undisturbed"), PROBED)
    code, output = made.snakemake()
    assert code == 0, output
    return results(made.folder)


def jobs_of(snakemake: psutil.Process, script: str = "") -> list[psutil.Process]:
    """Return the processes that run scripts of the workflow; `script` names one of them."""
    found = []
    for process in snakemake.children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if len(command) > 1 and "python" in command[0] and ".snakemake/scripts/" in command[1] and script in command[1]:
            found.append(process)
    return found


def killed(checkout: Checkout, choose: Callable[[psutil.Process], psutil.Process | None], patience: float = 90) -> bool:
    """Start the campaign and SIGKILL the process that `choose` returns; return False if the campaign ended before."""
    started = checkout.start()
    snakemake = psutil.Process(started.pid)
    end = time.monotonic() + patience
    try:
        while time.monotonic() < end and started.poll() is None:
            victim = choose(snakemake)
            if victim is not None:
                victim.send_signal(signal.SIGKILL)
                return True
            time.sleep(0.02)
        return False
    except psutil.NoSuchProcess:
        return False
    finally:
        # A killed job makes Snakemake end by itself; the next one waits for the orphans of a killed Snakemake.
        started.wait(timeout=patience)


def finish(checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    code, output = checkout.snakemake()
    assert code == 0, output
    found = results(checkout.folder)
    assert found.keys() == undisturbed.keys()
    assert [name for name in found if found[name] != undisturbed[name]] == []
    assert not list((checkout.folder / "results").rglob(".*-*")), "temporary files are left"


def test_another_folder_order_and_number_of_cores_give_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    checkout = Checkout(tmp_path / "elsewhere", PROBED)
    # Tables first for one study, then the rest: another order of jobs, one at a time.
    code, output = checkout.snakemake("--cores", "1", "number_of_updates")
    assert code == 0, output
    code, output = checkout.snakemake("--cores", "1", "--scheduler", "greedy")
    assert code == 0, output
    assert results(checkout.folder) == undisturbed


def test_five_kills(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    checkout = Checkout(tmp_path, PROBED)
    generator = random.Random(1)
    for script in SCRIPTS:

        def running(snakemake: psutil.Process, script: str = script) -> psutil.Process | None:
            jobs = jobs_of(snakemake, script)
            if jobs:
                time.sleep(generator.uniform(0, 1))
            return jobs[0] if jobs else None

        assert killed(checkout, running), script
    assert killed(checkout, lambda snakemake: snakemake if jobs_of(snakemake) else None)
    finish(checkout, undisturbed)


def at_random(generator: random.Random) -> Callable[[psutil.Process], psutil.Process | None]:
    """Choose a job, or with probability 0.3 Snakemake itself, after a random time of up to 12 seconds."""
    moment = time.monotonic() + generator.uniform(1, 12)
    itself = generator.random() < 0.3

    def choose(snakemake: psutil.Process) -> psutil.Process | None:
        if time.monotonic() < moment:
            return None
        return snakemake if itself else next(iter(jobs_of(snakemake)), None)

    return choose


@pytest.mark.skipif(KILLS <= 5, reason="BATCHLAB_KILLS=50 kills at random moments")
def test_random_kills(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    generator = random.Random(0)
    count = 0
    for campaign in range(KILLS):
        checkout = Checkout(tmp_path / str(campaign), PROBED)
        while count < KILLS:
            moment = time.monotonic() + generator.uniform(1, 12)
            whole = generator.random() < 0.3

            def at_random(
                snakemake: psutil.Process, moment: float = moment, whole: bool = whole
            ) -> psutil.Process | None:
                if time.monotonic() < moment:
                    return None
                return snakemake if whole else next(iter(jobs_of(snakemake)), None)

            if not killed(checkout, at_random):
                break
            count += 1
        finish(checkout, undisturbed)
        if count >= KILLS:
            return
    pytest.fail(f"only {count} of {KILLS} kills happened")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 3 MB; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_and_one_that_cannot_be_written(
    small_disk: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    checkout = Checkout(tmp_path / "project", PROBED)
    (checkout.folder / "results").symlink_to(small_disk)
    stuffing = small_disk / "stuffing"
    stuffing.write_bytes(bytes(2_950_000))
    for option, complaint in (("rw", "No space left on device"), ("ro", "Read-only file system")):
        subprocess.run(["mount", "-o", f"remount,{option}", str(small_disk)], check=True)
        code, output = checkout.snakemake()
        assert code != 0
        assert complaint in output and "Traceback" not in output
    subprocess.run(["mount", "-o", "remount,rw,size=100m", str(small_disk)], check=True)
    stuffing.unlink()
    finish(checkout, undisturbed)


def test_two_at_a_time_are_one_too_many(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, PROBED)
    first = checkout.start()
    while not jobs_of(psutil.Process(first.pid)) and first.poll() is None:
        time.sleep(0.05)
    code, output = checkout.snakemake()
    assert code != 0
    assert "another snakemake is running in this folder" in output and "Traceback" not in output
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
