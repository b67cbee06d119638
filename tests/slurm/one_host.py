"""A Slurm on this machine alone: two nodes with four CPUs and two GPUs each, none of which is real, on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

PROGRAMS = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm"}
NODES = ("n1", "n2")

_CONF = """
ClusterName=batchlab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,sched_interval=1,bf_interval=1
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=30
KillWait=2
MinJobAge=3600
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{second}] CPUs=4 Sockets=1 CoresPerSocket=4 \
ThreadsPerCore=1 RealMemory=16000 Gres=gpu:2 State=UNKNOWN
PartitionName=ci Nodes=n[1-2] Default=YES MaxTime=60 State=UP
"""


def missing() -> list[str]:
    """Return the Debian packages without which there is no Slurm here."""
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})


def until(true: Callable[[], object], seconds: float = 60, what: str = "") -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    """Return ports that follow one another and are free."""
    for first in range(16817, 30000, count):
        with contextlib.ExitStack() as opened:
            try:
                for port in range(first, first + count):
                    opened.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return list(range(first, first + count))
    raise AssertionError("no free ports")


class OneHost:
    """The daemons and what they are told.

    Args:
        folder: Where they keep everything; its path must be short, because a socket is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("state", "spool-n1", "spool-n2", "bin"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        port, first, second = _free_ports(3)
        host = socket.gethostname().partition(".")[0]
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        names = {"folder": folder, "host": host, "user": user, "port": port, "first": first, "second": second}
        (folder / "slurm.conf").write_text(_CONF.format(**names))
        # Two character devices that are there everywhere and harmless.
        devices = "".join(f"Name=gpu File={device}\n" for device in ("/dev/null", "/dev/zero"))
        (folder / "gres.conf").write_text(f"AutoDetect=off\n{devices}")
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        # A job's own srun does not get the variables that begin with SLURM_.
        srun = folder / "bin/srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }

    def ask(self, *command: str) -> str:
        """Return what a program of Slurm prints."""
        found = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return found.stdout

    def jobs(self) -> dict[int, dict[str, str]]:
        """Return number → what Slurm says of each job, those that have ended included."""
        found = {}
        for line in self.ask("scontrol", "--oneliner", "show", "job").splitlines():
            fields = dict(part.split("=", 1) for part in line.split(" ") if "=" in part)
            if "JobId" in fields:
                found[int(fields["JobId"])] = fields
        return found

    def running(self) -> list[int]:
        """Return the numbers of the jobs that run."""
        return [number for number, job in self.jobs().items() if job["JobState"] == "RUNNING"]

    def _daemon(self, *command: str) -> None:
        done = subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"

    def start(self) -> None:
        """Start everything, and wait until both nodes are ready."""
        named = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        options = [f"--{option}={self.folder / name}" for option, name in named.items()]
        self._daemon("munged", *options, f"--seed-file={self.folder / 'munge.seed'}")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        until(lambda: self.ask("sinfo", "-h", "-N", "-o", "%T").split() == ["idle", "idle"], 90, "two idle nodes")

    def start_controller(self, *options: str) -> None:
        """Start slurmctld, `-c` without what it knew, and wait until it answers."""
        self._daemon("slurmctld", *options, "-f", f"{self.folder}/slurm.conf")
        until(lambda: "UP" in self.ask("scontrol", "ping"), 60, "slurmctld answers")

    def start_node(self, node: str) -> None:
        """Start a node."""
        self._daemon("slurmd", "-N", node, "-f", f"{self.folder}/slurm.conf")

    def process(self, name: str) -> psutil.Process | None:
        """Return the process of a daemon by the name of its file, if it runs."""
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(int((self.folder / f"{name}.pid").read_text()))
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        return None

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon and wait until it is gone."""
        process = self.process(name)
        if process is not None:
            with contextlib.suppress(psutil.Error):
                process.send_signal(how)
            until(lambda: self.process(name) is None, 60, f"{name} ends")
        (self.folder / f"{name}.pid").unlink(missing_ok=True)

    def lose_node(self, node: str, folder: Path) -> None:
        """End a node as a power cut would: its daemon, and the processes of its jobs, which work in a folder."""
        self.end(f"slurmd-{node}", signal.SIGKILL)
        jobs = {number for number, job in self.jobs().items() if job.get("NodeList") == node}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if "slurmstepd" in process.name() and any(f"[{job}." in "".join(process.cmdline()) for job in jobs):
                    below = process.children(recursive=True)
                    for each in [process, *below]:
                        each.kill()
                elif process.environ().get("SLURM_JOB_ID") in map(str, jobs) and process.cwd() == str(folder):
                    process.kill()

    def stop(self) -> None:
        """Stop everything that was started."""
        for name in ("slurmctld", *(f"slurmd-{node}" for node in NODES), "munged"):
            with contextlib.suppress(AssertionError):
                self.end(name)


@contextlib.contextmanager
def one_host(folder: Path) -> Iterator[OneHost]:
    """Run a Slurm as long as the block runs."""
    slurm = OneHost(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.ask("scancel", "--me")
        slurm.stop()
