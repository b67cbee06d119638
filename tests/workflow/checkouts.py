"""Copies of the project with a campaign of their own, and what Snakemake says in them."""

from __future__ import annotations

import fcntl
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")

CAMPAIGN: dict[str, Any] = {
    "campaign": "small",
    "run": ["switch", "number_of_updates"],
    "dataset": "digits",
    "epochs": 2,
    "seeds": {"count": 2, "block": 2},
    "batch_sizes": {"tiny": 32, "small": 64, "medium": 128, "large": 256, "huge": 512},
    "datasets": {"digits": {"name": "digits"}},
    "models": {"mlp": {"name": "mlp", "hidden": [8]}},
    "optimizers": {"sgd": {"name": "sgd", "learning_rate": 0.1}},
    "studies": {
        "switch": {
            "arms": {
                "to_small": {"phases": [{"epochs": 1, "batch_size": "large"}, {"epochs": 1, "batch_size": "small"}]},
                "to_faster": None,
                "to_large": None,
            },
            "figures": {"accuracy": None},
            "claims": {"faster_recovers": None, "late_large_keeps": None},
        },
        "number_of_updates": {"arms": {"fixed": {"batch_size": ["small", "large"]}}},
    },
}

# Every kind of probe, a user's data and model: the campaign of the rerun matrix.
WIDE: dict[str, Any] = yaml.safe_load((PROJECT / "tests/workflow/rerun_campaign.yaml").read_text())

# One study with a job of each kind.
ONE: dict[str, Any] = {
    "campaign": "small",
    "run": ["sizes"],
    "epochs": 2,
    "seeds": {"count": 2, "block": 2},
    "batch_sizes": {"small": 64, "large": 256},
    "datasets": {"digits": {"name": "digits"}},
    "models": {"mlp": {"name": "mlp", "hidden": [4]}},
    "verify_sample": 1,
    "studies": {
        "sizes": {
            "title": "Two batch sizes",
            "question": "Does it learn?",
            "arms": {"fixed": {"batch_size": "small"}, "other": {"batch_size": "large"}},
            "probes": {
                "norms": {
                    "probe": "gradient_norms",
                    "arms": {"recipe": "fixed"},
                    "epochs": ["last"],
                    "batch_sizes": [64],
                    "trials": 100,
                }
            },
            "figures": {
                "accuracy": {
                    "chart": "curves",
                    "title": "Accuracy",
                    "table": "history",
                    "x": "epoch",
                    "y": "test_accuracy",
                    "caption": "{model} on {dataset}",
                }
            },
            "claims": {
                "learns": {
                    "statement": "It learns.",
                    "source": "this test",
                    "published": "better than chance",
                    "test": "level",
                    "table": "history",
                    "value": "test_accuracy",
                    "of": {"batch_size": "small", "epoch": "last"},
                    "expect": {"min": 0.1},
                }
            },
        }
    },
}

MODEL = '''"""A model of the user's own."""

import keras


def build(input_shape, classes, width=8):
    """One hidden layer."""
    layers = [keras.Input(input_shape), keras.layers.Dense(width, activation="relu"), keras.layers.Dense(classes)]
    return keras.Sequential(layers)
'''


def flowers(examples: int = 600) -> str:
    """Return a CSV file of three kinds of flowers with two measures each."""
    draw = random.Random(0)
    rows = []
    for example in range(examples):
        kind = example % 3
        rows.append(f"{draw.gauss(kind, 1):.3f},{draw.gauss(-kind, 1):.3f},{'abc'[kind]}")
    return "\n".join(["length,width,species", *rows]) + "\n"


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` has filled; the first process that needs it does so, and the others wait."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # that of all processes
    folder, done = base / name, base / f"{name}.done"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


class Checkout:
    """A copy of the project with a campaign file of its own, `config/small.yaml`.

    Args:
        folder: Where the copy is made, unless it is there already.
        campaign: The campaign.
    """

    def __init__(self, folder: Path, campaign: dict[str, Any] = CAMPAIGN) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            if (folder / part).exists():
                continue
            source = PROJECT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        self.configure(campaign)

    def configure(self, campaign: dict[str, Any]) -> None:
        """Write the campaign."""
        (self.folder / "config/small.yaml").write_text(yaml.safe_dump(campaign, sort_keys=False))

    def add_user_files(self) -> None:
        """Write a model and a data set as a user would."""
        for path, text in {"models/own.py": MODEL, "data/flowers.csv": flowers()}.items():
            (self.folder / path).parent.mkdir(exist_ok=True)
            (self.folder / path).write_text(text)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Snakemake in a session of its own; what it prints goes to the file `output`."""
        cores = () if "--cores" in arguments else ("--cores", "2")
        command = [sys.executable, "-m", "snakemake", *cores, *arguments, "--configfile", "config/small.yaml"]
        with (self.folder / "output").open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )

    def snakemake(self, *arguments: str) -> tuple[int, str]:
        """Run Snakemake and return its exit code and what it printed."""
        code = self.start(*arguments).wait()
        return code, (self.folder / "output").read_text()

    def planned(self) -> dict[str, int]:
        """Return rule → number of jobs that a dry run would do."""
        code, output = self.snakemake("--dry-run")
        assert code == 0, output
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:")[1].split("total")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
        jobs.pop("all", None)
        return jobs
