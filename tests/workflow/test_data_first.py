"""Where other code prepares the same data, `make data` first leaves what was trained on them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow.checkouts import ONE, Checkout


@pytest.fixture
def edited(one: Path, tmp_path: Path) -> Checkout:
    """Return a checkout with results, in which the reader of its data has got other code that reads the same."""
    folder = tmp_path / "project"
    shutil.copytree(one, folder, copy_function=shutil.copy2)
    reader = folder / "scripts/batchlab/sources/formats/optdigits/read.py"
    code = reader.read_text()
    reader.write_text(code.replace("int(cell)", "int(cell) + 0"))
    assert reader.read_text() != code
    return Checkout(folder, ONE)


def said(checkout: Checkout, *words: str) -> str:
    """Run Snakemake with the project's logger, and return what it prints."""
    options = ["--logger", "batchlab", "--cores", "2", "--quiet", "host", "--configfile", "config/small.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words, *options],
        cwd=checkout.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout.folder / "scripts"), "LC_ALL": "C"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_plan_says_how_trainings_are_spared_and_so_they_are(edited: Checkout) -> None:
    trained = {path: path.stat().st_mtime_ns for path in (edited.folder / "results/segments").rglob("*.npz")}
    plan = said(edited, "--dry-run")
    hint = re.search(r"^digits-\w+: there, but prepared by other code\. .*up to (\d+) of these jobs", plan, re.M)
    jobs = edited.planned()
    assert hint and jobs["train_segment"] == 2
    # Tables are made anew in any case: their records name the code behind them.
    assert int(hint[1]) == jobs["initialise_model"] + jobs["train_segment"] + jobs["measure_probe"] == 4
    assert "prepared by other code" not in said(edited, "data", "--dry-run")
    said(edited, "data")
    left = edited.planned()
    assert left["tabulate_study"] == 1 and not {"initialise_model", "train_segment", "measure_probe"} & set(left)
    assert "prepared by other code" not in said(edited)
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    assert edited.planned() == {}
