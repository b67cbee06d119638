"""Every documented way to call the workflow after every other: the same results, and nothing left to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from slow import slow_but
from workflow.checkouts import ONE, Checkout
from workflow.dryruns import DryRuns

# Ways to name the campaign, from the project's folder; the default campaign is this one, too.
ROUTES = {
    "the default campaign": (),
    "its file": ("--configfile", "config/small.yaml"),
    "its file by its whole path": ("--configfile", "{folder}/config/small.yaml"),
    "the default campaign by its file": ("--configfile", "config/quick.yaml"),
    "the catalogue first": ("--configfile", "config/studies/batch_size.yaml", "config/small.yaml"),
    "a target": ("figures", "--configfile", "config/small.yaml"),
    "the Snakefile and the folder": ("-s", "{folder}/Snakefile", "--directory", "{folder}"),
}
MAKING = ("the default campaign", "its file", "the Snakefile and the folder")


@pytest.fixture(scope="module")
def folder(one: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with results whose default campaign has its keys in another order than its other file."""
    folder = tmp_path_factory.mktemp("routes") / "project"
    shutil.copytree(one, folder, symlinks=True)
    Checkout(folder, ONE)
    turned = dict(reversed(ONE.items()))
    turned["studies"] = {name: dict(reversed(study.items())) for name, study in reversed(ONE["studies"].items())}
    (folder / "config/quick.yaml").write_text(yaml.safe_dump(turned, sort_keys=False))
    return folder


def arguments(folder: Path, route: str) -> list[str]:
    return [part.format(folder=folder) for part in ROUTES[route]]


def results(folder: Path) -> dict[str, bytes]:
    """Return the files that the campaign makes, records apart."""
    kept = (path for path in (folder / "results/small").rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in kept if "provenance" not in path.name}


@pytest.mark.parametrize("making", slow_but(MAKING, "the default campaign"))
def test_after_any_route_no_other_has_anything_to_do(folder: Path, dry_runs: DryRuns, making: str) -> None:
    before = results(folder)
    forced = ["--cores", "2", "--quiet", "all", "--forcerun", "judge_claims", "--rerun-incomplete"]
    command = [sys.executable, "-m", "snakemake", *arguments(folder, making), *forced]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    assert results(folder) == before
    for route in ROUTES:
        code, output = dry_runs.run(folder, [*arguments(folder, route), "--dry-run"])
        assert code == 0, output
        assert "Nothing to be done" in output, f"{making}, then {route}: {output}"
