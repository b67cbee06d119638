"""Killed jobs, a killed Snakemake, a full disk, a folder that cannot be written: the same command then finishes.

Five kills by default, one at each kind of step, and three of a download; `BATCHLAB_KILLS=50` kills as often at random
moments, and ten times a download.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from unit.servers import serving
from workflow.artefacts import results
from workflow.checkouts import ONE, Checkout

from batchlab.sources.published.mnist import SOURCE as MNIST

KILLS = int(os.environ.get("BATCHLAB_KILLS", "5"))
SCRIPTS = ("train_segment", "measure_probe", "tabulate_study", "draw_figure")


@pytest.fixture(scope="module")
def undisturbed(one: Path) -> dict[str, bytes]:
    return results(one)


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


def killed(
    checkout: Checkout,
    choose: Callable[[psutil.Process], psutil.Process | None],
    target: str = "all",
    patience: float = 90,
) -> bool:
    """Start the campaign and SIGKILL the process that `choose` returns; return False if the campaign ended before."""
    unlock(checkout)
    started = checkout.start(target)
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


def unlock(checkout: Checkout) -> None:
    """Remove the lock that a killed Snakemake has left, as it asks for."""
    if any((checkout.folder / ".snakemake/locks").glob("*")):
        code, output = checkout.snakemake("--dry-run")
        assert code == 0, output  # looking needs no lock
        code, output = checkout.snakemake("--unlock")
        assert code == 0, output


def finish(checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    unlock(checkout)
    code, output = checkout.snakemake()
    assert code == 0, output
    found = results(checkout.folder)
    assert found.keys() == undisturbed.keys()
    assert [name for name in found if found[name] != undisturbed[name]] == []
    assert not list((checkout.folder / "results").rglob(".*-*")), "temporary files are left"


@pytest.mark.slow
def test_another_folder_order_and_number_of_cores_give_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    checkout = Checkout(tmp_path / "elsewhere", ONE)
    # The probe first, then the rest: another order of jobs, one at a time.
    code, output = checkout.snakemake("--cores", "1", "--until", "measure_probe")
    assert code == 0, output
    code, output = checkout.snakemake("--cores", "1", "--scheduler", "greedy")
    assert code == 0, output
    assert results(checkout.folder) == undisturbed


def outlives_its_snakemake(checkout: Checkout) -> psutil.Process:
    """Kill Snakemake while a training goes on, and stop the training, which cannot end then."""
    orphan: list[psutil.Process] = []

    def choose(snakemake: psutil.Process) -> psutil.Process | None:
        for job in jobs_of(snakemake, "train_segment"):
            if [note for note in notes(checkout).values() if note["process"] == job.pid]:
                job.suspend()
                orphan.append(job)
                return snakemake
        return None

    assert killed(checkout, choose)
    return orphan[0]


def notes(checkout: Checkout) -> dict[str, Any]:
    """Return the notes of jobs that are at work, by the segment."""
    found = {}
    for path in (checkout.folder / ".snakemake/batchlab/running").rglob("state.npz.json"):
        with contextlib.suppress(OSError, ValueError):
            found[path.parts[-3]] = json.loads(path.read_text())
    return found


@pytest.mark.slow
def test_five_kills(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    checkout = Checkout(tmp_path, ONE)
    generator = random.Random(1)
    orphan = outlives_its_snakemake(checkout)
    [segment] = [name for name, note in notes(checkout).items() if note["process"] == orphan.pid]
    log = checkout.folder / f"logs/train_segment/{segment}/seeds-0-1.log"
    for script in SCRIPTS:

        def running(snakemake: psutil.Process, script: str = script) -> psutil.Process | None:
            if script == "train_segment":
                if not log.exists() or "batchlab: waits for process" not in log.read_text():
                    return None
                if orphan.status() == psutil.STATUS_STOPPED:
                    # The other arm trains meanwhile; of this one, nothing is there and the orphan is noted.
                    time.sleep(1)
                    assert f"waits for process {orphan.pid} " in log.read_text()
                    assert notes(checkout)[segment]["process"] == orphan.pid
                    assert not (checkout.folder / f"results/segments/{segment}/seeds-0-1/state.npz").exists()
                    orphan.resume()
                later = [
                    job
                    for job in jobs_of(snakemake, script)
                    if notes(checkout).get(segment, {}).get("process") == job.pid
                ]
                return later[0] if later else None
            jobs = jobs_of(snakemake, script)
            if jobs:
                time.sleep(generator.uniform(0, 1))
            return jobs[0] if jobs else None

        if script == "measure_probe":
            # If the arm without a probe was killed, the other one was trained to its end and measured.
            shutil.rmtree(checkout.folder / "results/probes", ignore_errors=True)
        assert killed(checkout, running), script
    finish(checkout, undisturbed)


def at_random(generator: random.Random, latest: float) -> Callable[[psutil.Process], psutil.Process | None]:
    """Choose a job, or with probability 0.3 Snakemake itself, after a random time of up to `latest` seconds."""
    moment = time.monotonic() + generator.uniform(1, latest)
    itself = generator.random() < 0.3

    def choose(snakemake: psutil.Process) -> psutil.Process | None:
        if time.monotonic() < moment:
            return None
        return snakemake if itself else next(iter(jobs_of(snakemake)), None)

    return choose


@pytest.mark.slow
def test_random_kills(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    generator = random.Random(0)
    count = 0
    for campaign in range(KILLS):
        checkout = Checkout(tmp_path / str(campaign), ONE)
        while count < KILLS and killed(checkout, at_random(generator, 12)):
            count += 1
        finish(checkout, undisturbed)
        if count == KILLS:
            return
    pytest.fail(f"only {count} of {KILLS} kills happened")


def published(checkout: Checkout) -> dict[str, bytes]:
    """Make `mnist` a small set of random images in a checkout, and return its files by address."""
    draw = random.Random(2)

    def idx(*shape: int) -> bytes:
        header = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
        count = math.prod(shape)
        return header + (draw.randbytes(count) if len(shape) == 3 else bytes(n % 10 for n in range(count)))

    contents = [idx(2000, 28, 28), idx(2000), idx(100, 28, 28), idx(100)]
    declaration = checkout.folder / "scripts/batchlab/sources/published/mnist.py"
    text = declaration.read_text()
    for file, content in zip(MNIST.files, contents, strict=True):
        text = text.replace(file.content_sha256, hashlib.sha256(content).hexdigest())
    for number, smaller in {"60_000": "2000", "10_000": "100", "validation=10_000": "validation=100"}.items():
        text = text.replace(number, smaller, 1)
    declaration.write_text(text)
    compressed = [gzip.compress(content, 1, mtime=0) for content in contents]
    return {f"/mnist/{file.name}": content for file, content in zip(MNIST.files, compressed, strict=True)}


def downloaded(checkout: Checkout) -> int:
    """Return how many bytes of unfinished files are there."""
    return sum(path.stat().st_size for path in (checkout.folder / "results").rglob("*.part"))


@pytest.mark.slow
def test_a_killed_download_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = {**ONE, "datasets": {"digits": {"name": "mnist"}}}
    calm, checkout = Checkout(tmp_path / "calm", campaign), Checkout(tmp_path / "killed", campaign)
    published(calm)
    generator = random.Random(3)
    monkeypatch.setenv("no_proxy", "*")
    with serving(published(checkout)) as mirror:
        monkeypatch.setenv("BATCHLAB_MIRROR", mirror.url)
        code, output = calm.snakemake("data")
        assert code == 0, output
        # Slow enough for what the jobs of a killed Snakemake still fetch.
        mirror.pause = 1.0 if KILLS > 5 else 0.25
        mirror.requests.clear()
        for kill in range(10 if KILLS > 5 else 3):
            enough = downloaded(checkout) + generator.randrange(1, 50_000)

            def downloading(snakemake: psutil.Process, kill: int = kill, enough: int = enough) -> psutil.Process | None:
                jobs = jobs_of(snakemake, "prepare_data")
                if not jobs or downloaded(checkout) < enough:
                    return None
                return snakemake if kill % 3 == 1 else jobs[0]

            assert killed(checkout, downloading, "data")
        mirror.pause = 0
        unlock(checkout)
        code, output = checkout.snakemake("data")
        assert any(asked for _, asked in mirror.requests), "nothing was resumed"
    assert code == 0, output
    assert results(checkout.folder) == results(calm.folder)


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


@pytest.mark.slow
def test_a_full_disk_and_one_that_cannot_be_written(
    small_disk: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    checkout = Checkout(tmp_path / "project", ONE)
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
    checkout = Checkout(tmp_path, ONE)
    first = checkout.start()
    while not jobs_of(psutil.Process(first.pid)) and first.poll() is None:
        time.sleep(0.05)
    code, output = checkout.snakemake()
    assert code != 0
    assert "Directory cannot be locked" in output and "--unlock" in output and "Traceback" not in output
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
