"""The workflow used from another folder, as a module of another Snakefile, and where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow.checkouts import ONE, PROJECT, Checkout
from workflow.dryruns import DryRuns

OUTER = """
configfile: "small.yaml"


module batchlab:
    snakefile:
        "{project}/Snakefile"
    config:
        config


use rule * from batchlab


rule mine:
    default_target: True
    input:
        rules.all.input,
    output:
        "mine.txt",
    shell:
        "wc -l results/small/claims/sizes.csv > {{output}}"
"""


def snakemake(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run Snakemake in a folder of somebody else's."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with a campaign file and nothing of the project."""
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(ONE, sort_keys=False))
    return tmp_path


@pytest.mark.slow
def test_as_a_module_of_another_snakefile(elsewhere: Path) -> None:
    """Another workflow uses all rules, and a rule of its own reads what they make."""
    (elsewhere / "Snakefile").write_text(OUTER.format(project=PROJECT))
    code, output = snakemake(elsewhere)
    assert code == 0, output
    assert (elsewhere / "mine.txt").read_text().split()[0] == "2"  # header and one claim
    assert (elsewhere / "results/small/index.html").is_file()
    code, output = snakemake(elsewhere)
    assert code == 0 and "Nothing to be done" in output, output


@pytest.mark.slow
def test_from_another_folder(elsewhere: Path) -> None:
    """`snakemake -s` writes to the folder in which it is called, and reads the project's own files where they are."""
    # The target comes first, because older versions of Snakemake take everything after `--configfile` for such files.
    arguments = ("data", "-s", str(PROJECT / "Snakefile"), "--configfile", "small.yaml")
    code, output = snakemake(elsewhere, *arguments)
    assert code == 0, output
    assert len(list((elsewhere / "results/data").glob("digits-*/data.npz"))) == 1
    code, output = snakemake(elsewhere, *arguments)
    assert code == 0 and "Nothing to be done" in output, output


def test_into_another_folder(elsewhere: Path) -> None:
    """`--directory` reads the project's own files where they are; so does a campaign whose path holds a space."""
    (elsewhere / "my campaign.yaml").write_text((elsewhere / "small.yaml").read_text())
    arguments = ("--dry-run", "--directory", str(elsewhere), "--configfile", str(elsewhere / "my campaign.yaml"))
    code, output = snakemake(PROJECT, *arguments)
    assert code == 0, output
    assert "Write the report of the campaign" in output
    done = subprocess.run(
        ["make", "plan", f"CONFIG={elsewhere / 'my campaign.yaml'}"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Write the report of the campaign" in done.stdout + done.stderr
    assert "It will take about " in done.stdout + done.stderr


def everything(folder: Path) -> dict[str, int]:
    """Return the time of each file below a folder, those of Snakemake's own memory and of compiled modules left out."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts) and path.name != "output"
    }


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--lint",), ("--list-rules",)])
def test_parsing_writes_nothing(one: Path, dry_runs: DryRuns, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A checkout with results of which nothing is remembered, as after a clone, is looked at and left as it is."""
    import shutil

    shutil.copytree(one, tmp_path / "copy", ignore=shutil.ignore_patterns(".snakemake"))
    checkout = Checkout(tmp_path / "copy", ONE)
    before = everything(checkout.folder)
    given = [*arguments, "--cores", "1", "--configfile", "config/small.yaml"]
    code, output = dry_runs.run(checkout.folder, given)
    assert code == 0, output
    assert everything(checkout.folder) == before
    assert not (checkout.folder / ".snakemake/batchlab").exists()
    if arguments == ("--dry-run",):
        assert "Nothing to be done" in output
