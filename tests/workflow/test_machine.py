"""The training core and its device, chosen outside of the campaign, reach the jobs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from workflow.checkouts import CAMPAIGN, Checkout

on_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in envs/lock-dev.txt"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose only model was initialised by one core, and its two segments trained by the other."""
    campaign = {**CAMPAIGN, "run": ["number_of_updates"], "epochs": 1}
    made = Checkout(tmp_path_factory.mktemp("machine"), campaign)
    for arguments in (("--until", "initialise_model"), ("--config", "backend=jax")):
        code, output = made.snakemake("tables", *arguments)
        assert code == 0, output
    return made


def records(checkout: Checkout) -> dict[str, dict[str, Any]]:
    """Return the record of each segment by the segment's name."""
    found = sorted((checkout.folder / "results/segments").rglob("state.provenance.json"))
    return {path.parts[-3]: json.loads(path.read_text()) for path in found}


@on_jax
@pytest.mark.slow
def test_jobs_compute_with_the_core_of_the_command(checkout: Checkout) -> None:
    found = {(record["rule"], record["backend"], record["device"]) for record in records(checkout).values()}
    assert found == {("initialise_model", "tensorflow", "cpu"), ("train_segment", "jax", "cpu")}
    trained = [record for record in records(checkout).values() if record["rule"] == "train_segment"]
    for record in trained:
        assert {"jax", "jaxlib", "keras"} <= record["packages"].keys()
        assert record["not_as_locked"] == {}
        assert "backend" not in record["spec"]


@on_jax
@pytest.mark.slow
def test_results_are_verified_with_the_core_of_their_record(checkout: Checkout) -> None:
    code, output = checkout.snakemake("verify", "--config", "verify_sample=3")
    assert code == 0, output
    assert "within tolerances" not in output


@on_jax
@pytest.mark.slow
def test_a_profile_chooses_and_a_machine_without_a_gpu_says_so(checkout: Checkout) -> None:
    code, output = checkout.snakemake("tables", "--workflow-profile", "profiles/gpu", "--forcerun", "train_segment")
    assert code == 1
    told = [line for line in output.splitlines() if line.startswith("batchlab: error:")]
    assert len(told) == 2
    for line in told:
        assert line.startswith("batchlab: error: BATCHLAB_DEVICE=gpu, but JAX finds no such device; ")


def test_a_wrong_choice_is_one_line(tmp_path: Path) -> None:
    code, output = Checkout(tmp_path).snakemake("--dry-run", "--config", "backend=torch")
    assert code == 1
    assert "batchlab: error: backend: unknown backend 'torch'; allowed: jax, tensorflow" in output.splitlines()
    assert "Traceback" not in output
