"""What thousands of training jobs cost Snakemake: planned, shown, put together and scheduled, with nothing trained.

`python -m benchmarks.many 10000` (in `scripts/`) prints the table and writes `results/bench/many.csv`. Groups are those
of `profiles/slurm`; a stub of an executor takes the place of Slurm.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT
from benchmarks.workflow import checkout

COLUMNS = ("what", "jobs", "seconds", "memory_mb", "submissions")
TARGET = PROJECT / "results/bench/many.csv"
_STUB = "snakemake_executor_plugin_batchlab_stub"
_SNAKEMAKE = (sys.executable, "-m", "snakemake", "--configfile", "config/many.yaml", "--quiet", "all")
# All but the last of these parts of the trainings; the last one is followed by the tables.
_PARTS = 10


def _profile(folder: Path) -> None:
    """Make a profile like that for Slurm, with the stub."""
    keys = yaml.safe_load((PROJECT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in keys.items() if not key.startswith("batchlab-slurm")}
    kept |= {"executor": "batchlab-stub", "latency-wait": 0, "max-status-checks-per-second": 10}
    (folder / "profiles/stub").mkdir()
    (folder / "profiles/stub/config.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")


def _run(folder: Path, *arguments: str) -> tuple[float, float, int]:
    """Return the seconds that Snakemake takes, its peak memory in MB, and the number of submissions."""
    submissions = folder / "submissions"
    submissions.write_text("", encoding="utf-8")
    path = os.pathsep.join((str(folder / "scripts"), str(PROJECT / "scripts/benchmarks/stub")))
    clock = time.perf_counter()
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            [*_SNAKEMAKE, *arguments],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path, "BATCHLAB_SUBMISSIONS": str(submissions)},
        )
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - clock
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BatchlabError(f"benchmark: {' '.join(arguments)} failed: {(folder / 'output').read_text()[-400:]}")
    # Kilobytes, but bytes on macOS.
    memory = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return seconds, memory, len(submissions.read_text().splitlines())


def measure(jobs: int) -> list[dict[str, Any]]:
    """Return rows with the columns `COLUMNS` for a campaign of so many trainings."""
    rows = []
    with checkout(jobs) as folder:
        _profile(folder)

        def add(what: str, *arguments: str) -> None:
            seconds, memory, submissions = _run(folder, "--workflow-profile", "profiles/stub", *arguments)
            rows.append(
                {"what": what, "jobs": jobs, "seconds": seconds, "memory_mb": memory, "submissions": submissions}
            )

        add("dry run", "--dry-run")
        add(f"one of {_PARTS} parts", "--until", "train_segment", "--batch", f"tabulate_study=1/{_PARTS}")
        add("the rest at once", "--until", "train_segment")
    return rows


def main(arguments: Sequence[str]) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("jobs", type=int, nargs="*", default=[1_000, 10_000])
    rows = [row for jobs in parser.parse_args(arguments).jobs for row in measure(jobs)]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(
            f"{row['what']}, {row['jobs']:,} jobs: {row['seconds']:.0f} s, {row['memory_mb']:.0f} MB, "
            f"{row['submissions']} submissions"
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BatchlabError as problem:
        sys.exit(f"batchlab: error: {problem}")
