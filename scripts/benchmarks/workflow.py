"""What the workflow itself costs: planning, a dry run, a run with nothing to do, and what each kind of job imports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.paths import PROJECT

COLUMNS = ("what", "jobs", "seed", "seconds")
# What Snakemake itself takes to start: a workflow of one rule that has nothing to do.
EMPTY = "nothing to do, empty Snakefile"
# Campaigns of so many jobs take half a minute a time and are timed once.
MANY = 10_000
IMPORT_COLUMNS = ("job", "seed", "seconds", "memory_mb")

# What the scripts of each kind import.
IMPORTS = {
    "prepare data": "batchlab.sources.prepare",
    "train, probe": "batchlab.training.segment, batchlab.probes.measuring",
    "tabulate": "batchlab.tables.study",
    "judge claims": "batchlab.tables.claims",
    "numbers of a figure": "batchlab.charts.rows, batchlab.charts.curves.data",
    "draw a figure": "batchlab.charts.drawn, batchlab.charts.export, batchlab.charts.curves.draw",
    "write the report": "batchlab.report",
}


def campaign(jobs: int) -> dict[str, Any]:
    """Return a campaign of about so many jobs: one study whose arms are learning rates, one job of training each."""
    rates = [round(1e-4 * (number + 1), 10) for number in range(jobs)]
    return {
        "campaign": "many",
        "run": ["many"],
        "dataset": "digits",
        "epochs": 1,
        "seeds": {"count": 1, "block": 1},
        "batch_sizes": {"small": 64},
        "datasets": {"digits": {"name": "digits"}},
        "models": {"mlp": {"name": "mlp"}},
        "optimizers": {"sgd": {"name": "sgd", "learning_rate": 0.1}},
        "studies": {
            "many": {
                "title": "Many arms",
                "question": "How long does planning take?",
                "arms": {"rate": {"batch_size": "small", "learning_rate": rates}},
                "figures": {
                    "accuracy": {
                        "chart": "points",
                        "title": "Accuracy",
                        "table": "history",
                        "x": "learning_rate",
                        "y": "test_accuracy",
                        "caption": "Accuracy for each learning rate.",
                    }
                },
            }
        },
    }


@contextmanager
def checkout(jobs: int) -> Iterator[Path]:
    """Yield a copy of the workflow with a campaign of so many jobs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(PROJECT / "Snakefile", folder)
        for part in ("rules", "scripts", "config", "envs", "profiles"):
            shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        # JSON is YAML; a number of 10,000 values is read faster so.
        (folder / "config/many.yaml").write_text(json.dumps(campaign(jobs)))
        yield folder


def _run(folder: Path, command: Sequence[str]) -> tuple[float, str]:
    """Return the seconds that a command takes and what it prints; it imports the library of its folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "scripts")}
    clock = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - clock
    if done.returncode:
        raise BatchlabError(f"benchmark: {' '.join(command)} failed: {(done.stderr or done.stdout)[-400:]}")
    return seconds, done.stdout + done.stderr


_SNAKEMAKE = (sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "config/many.yaml")
_PLAN = """
import json, sys, time
sys.path.insert(0, "scripts")
from batchlab.configuration import campaign as configuration
from batchlab.planning import plan
config = json.load(open("config/many.yaml"))
clock = time.perf_counter()
plan(configuration.read(config))
print(time.perf_counter() - clock)
"""

_PRETEND = """
import json, sys
from pathlib import Path
sys.path.insert(0, "scripts")
from batchlab.configuration import campaign as configuration
from batchlab.planning import plan
from batchlab.planning.jobs import Jobs
from batchlab.records.provenance import fingerprints, record_path
for job in Jobs(plan(configuration.read(json.load(open("config/many.yaml"))))):
    for output in map(Path, job.outputs.values()):
        (output if job.folder else output.parent).mkdir(parents=True, exist_ok=True)
        (output / "history.csv" if job.folder else output).touch()
    code = lambda step: step.codes.get("tensorflow") or next(iter(step.codes.values()))
    before = {"code": code, "environment": lambda step: step.environment}
    made_from = {key: sorted(set(map(of, job.made_from))) for key, of in before.items()}
    record = {
        "spec": job.spec,
        "code": code(job),
        "environment": job.environment,
        "inputs": fingerprints(job.inputs, times=True),
        "outputs": fingerprints(job.outputs, times=True),
        "made_from": made_from,
    }
    record_path(job.name, job.folder).write_text(json.dumps(record))
"""


def measure(sizes: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    """Time planning, a dry run and a run with nothing to do for campaigns of so many jobs, and Snakemake itself.

    Returns:
        Rows with the columns `COLUMNS`; `seed` counts the repeats.
    """
    rows = _of_snakemake(repeats)
    for jobs in sizes:
        times = repeats if jobs < MANY else 1
        with checkout(jobs) as folder:

            def add(what: str, repeat: int, seconds: float, jobs: int = jobs) -> None:
                rows.append({"what": what, "jobs": jobs, "seed": repeat, "seconds": seconds})

            for repeat in range(times):
                add("plan", repeat, float(_run(folder, (sys.executable, "-c", _PLAN))[1]))
                add("dry run", repeat, _run(folder, (*_SNAKEMAKE, "--dry-run", "--quiet"))[0])
            _pretend_done(folder)
            for repeat in range(times):
                seconds, output = _run(folder, (*_SNAKEMAKE, "--dry-run"))
                if "Nothing to be done" not in output:
                    raise BatchlabError(f"benchmark: with all files there, {jobs} jobs are still to be done")
                add("nothing to do", repeat, seconds)
    return rows


def _of_snakemake(repeats: int) -> list[dict[str, Any]]:
    """Time a workflow without jobs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Snakefile").write_text("rule all:\n    input: []\n")
        command = (sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run")
        return [
            {"what": EMPTY, "jobs": 0, "seed": repeat, "seconds": _run(folder, command)[0]} for repeat in range(repeats)
        ]


def _pretend_done(folder: Path) -> None:
    """Make every file that the workflow would write, empty, with the record that a job would leave beside it."""
    _run(folder, (sys.executable, "-c", _PRETEND))


_IMPORT = """
import sys, time
sys.path.insert(0, "scripts")
clock = time.perf_counter()
import {modules}
seconds = time.perf_counter() - clock
from benchmarks.memory import peak_memory
print(seconds, peak_memory())
"""


def imports(repeats: int) -> list[dict[str, Any]]:
    """Time what each kind of job imports, in fresh processes.

    Returns:
        Rows with the columns `IMPORT_COLUMNS`; `seed` counts the repeats.
    """
    rows = []
    for repeat in range(repeats):
        for job, modules in IMPORTS.items():
            _, output = _run(PROJECT, (sys.executable, "-c", _IMPORT.format(modules=modules)))
            seconds, memory = map(float, output.split()[-2:])
            rows.append({"job": job, "seed": repeat, "seconds": seconds, "memory_mb": memory})
    return rows
