"""`make new` and what it writes, through the real Snakemake: a page with the name of the data, and a recommendation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow.checkouts import Checkout


@pytest.mark.slow
def test_a_first_campaign_runs_to_its_recommendation(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    rows = "".join(f"{4 + k + i % 7 / 10},{3 + i % 5 / 10},{'abc'[k]}rchis\n" for i in range(150) for k in [i % 3])
    (tmp_path / "flowers.csv").write_text(f"length,width,species\n{rows}")
    environment = {**os.environ, "PYTHONPATH": "scripts"}
    command = [sys.executable, "-m", "batchlab.starting", "flowers.csv", "--label", "species"]
    made = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    # The same campaign with fewer runs.
    campaign = yaml.safe_load((tmp_path / "config/flowers.yaml").read_text())
    campaign |= {"run": ["choice"], "epochs": 2, "seeds": {"count": 2, "block": 2}}
    campaign["studies"]["choice"]["arms"]["grid"] = {"batch_size": ["small", "large"], "learning_rate": [0.1, 0.3]}
    checkout.configure(campaign)
    snakemake = [sys.executable, "-m", "snakemake", "--logger", "batchlab", "--cores", "2", "--quiet", "host"]
    done = subprocess.run(
        [*snakemake, "--configfile", "config/small.yaml"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "results/flowers/index.html").read_text().replace("\u00a0", " ")
    advice = next(line for line in done.stderr.splitlines() if line.startswith("Take B = "))
    assert "with learning rate 0." in advice
    assert "Which batch size for flowers?" in page
    assert advice.partition(":")[0] in page
