"""Copies of the project with a campaign of their own, and what Snakemake would do in them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")

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


class Checkout:
    """A copy of the project with a campaign file of its own, `config/small.yaml`."""

    def __init__(self, folder: Path, campaign: dict[str, Any]) -> None:
        self.folder = folder
        for part in PARTS:
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

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake there."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--configfile", "config/small.yaml"]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
        )
