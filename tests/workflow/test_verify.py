"""Verification of a campaign that was run: clean, damaged, and unpacked from its crate."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.crates import problems
from workflow.checkouts import ONE, PROJECT, WIDE, Checkout


@pytest.fixture(scope="module")
def made(one: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout whose campaign has been run once."""
    folder = tmp_path_factory.mktemp("verify") / "one"
    shutil.copytree(one, folder)
    for name in ("README.md", "LICENSE", "Makefile"):
        shutil.copy(PROJECT / name, folder)
    return Checkout(folder, ONE)


@pytest.fixture
def checkout(made: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """The checkout, whose results are put back after each test."""
    results = made.folder / "results"
    shutil.copytree(results, tmp_path / "results")
    yield made
    shutil.rmtree(results)
    shutil.copytree(tmp_path / "results", results)


def verify(checkout: Checkout, *settings: str) -> tuple[int, str, list[str]]:
    """Verify, and return the exit code, what was printed and the differences that it reports."""
    # Targets come before --config, which the helper's --configfile ends.
    code, output = checkout.snakemake("verify", "--quiet", "all", "--config", *settings)
    lines = [line.removeprefix("batchlab: ") for line in output.splitlines()]
    return code, output, [line for line in lines if line.startswith("difference: ")]


def test_a_campaign_that_was_run_is_verified_bit_by_bit(checkout: Checkout) -> None:
    files = {path: path.stat().st_mtime_ns for path in (checkout.folder / "results").rglob("*") if path.is_file()}
    code, output, differences = verify(checkout, "verify_seed=5")
    assert code == 0, output
    assert differences == []
    assert (
        "recomputing 1 segment, 1 probe, 2 figures, 7 tables, 1 claim, 1 figure's data, 1 report (sample 1, seed 5)"
        in output
    )
    assert "equal bit by bit, measured times aside: 1 segment, 1 probe, 2 figures, 7 tables" in output
    assert "not recomputed, digests only: 1 data set, 2 segments" in output
    after = {path: path.stat().st_mtime_ns for path in (checkout.folder / "results").rglob("*") if path.is_file()}
    assert after == files
    assert "0 differences found" in (checkout.folder / "logs/small/verify.log").read_text()


@pytest.mark.slow
def test_a_campaign_with_files_of_the_user_is_verified(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "copy")
    code, output, differences = verify(Checkout(tmp_path / "copy", WIDE), "verify_sample=2", "verify_seed=1")
    assert code == 0, output
    assert differences == []
    assert "equal bit by bit, measured times aside: 2 segments, 2 probes, 7 figures, 9 tables" in output


def test_damage_is_named_and_nothing_is_repaired(checkout: Checkout) -> None:
    results = checkout.folder / "results"
    table = results / "small/tables/sizes/history.csv"
    table.write_text(table.read_text().replace("fixed", "mixed", 1))
    snapshot = next(results.glob("segments/*initial*/*/state.npz"))
    snapshot.write_bytes(snapshot.read_bytes()[:-100])
    (results / "small/figures/sizes/accuracy.png").unlink()
    campaign = json.loads(json.dumps(ONE))
    campaign["studies"]["sizes"]["figures"]["accuracy"]["title"] = "Another title"
    checkout.configure(campaign)
    code, _, differences = verify(checkout, "verify_sample=0")
    checkout.configure(ONE)
    assert code != 0
    edited, truncated = "results/small/tables/sizes/history.csv", str(snapshot.relative_to(checkout.folder))
    assert any(line.startswith(f"difference: {edited}: was edited") for line in differences)
    assert any(line.startswith(f"difference: {truncated}: was edited, damaged") for line in differences)
    assert any("accuracy.png: is missing" in line for line in differences)
    assert any("accuracy.csv: was made from another results/small/tables/sizes" in line for line in differences)
    assert any('(title: "Accuracy" recorded, "Another title" planned)' in line for line in differences)
    assert "mixed" in table.read_text() and not (results / "small/figures/sizes/accuracy.png").exists()


@pytest.mark.slow
def test_a_crate_conforms_and_can_be_verified_where_it_is_unpacked(checkout: Checkout, tmp_path: Path) -> None:
    code, output = checkout.snakemake("crate", "--quiet", "all")
    assert code == 0, output
    assert "batchlab: results/crates/small.crate.zip holds" in output
    with zipfile.ZipFile(checkout.folder / "results/crates/small.crate.zip") as archive:
        archive.extractall(tmp_path / "crate")
    assert problems(tmp_path / "crate") == []
    command = [sys.executable, "-m", "snakemake", "verify", "--cores", "1", "--quiet", "all"]
    command += ["--configfile", "campaign.json"]
    there = subprocess.run(command, cwd=tmp_path / "crate", capture_output=True, text=True)
    assert there.returncode == 0, there.stdout + there.stderr
    assert "not checked, not found: 3 segments, 1 probe" in there.stdout
    equal = "equal bit by bit, measured times aside: 2 figures, 1 claim, 1 figure's data, 6 tables, 1 report"
    assert equal in there.stdout


def test_damaged_results_are_not_packed(checkout: Checkout) -> None:
    (checkout.folder / "results/small/tables/claims.csv").write_text("edited")
    code, output = checkout.snakemake("crate")
    lines = [line for line in output.splitlines() if line.startswith("batchlab: error:")]
    assert code != 0 and len(lines) == 1
    assert "results/small/tables/claims.csv: was edited" in lines[0]
    assert "Traceback" not in output
