"""A small campaign from data to report, and what a user sees when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from workflow.checkouts import CAMPAIGN, Checkout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose campaign has been run once."""
    made = Checkout(tmp_path_factory.mktemp("campaign"))
    code, made.output = made.snakemake()  # type: ignore[attr-defined]
    assert code == 0, made.output  # type: ignore[attr-defined]
    return made


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    campaign = json.loads(json.dumps(CAMPAIGN))
    change(campaign)
    return campaign


def test_the_campaign_ends_with_the_place_of_its_report(checkout: Checkout) -> None:
    assert "The report is at results/small/index.html" in checkout.output  # type: ignore[attr-defined]
    page = (checkout.folder / "results/small/index.html").read_text()
    assert "Changing the batch size in mid-training" in page and "<svg" in page


def test_tables_have_the_columns_of_the_contract(checkout: Checkout) -> None:
    tables = checkout.folder / "results/small/tables"
    history = pd.read_csv(tables / "history.csv")
    contract = (
        "study arm dataset model optimizer batch_size accumulation learning_rate seed epoch updates examples "
        "seconds status train_loss train_accuracy validation_loss validation_accuracy test_loss test_accuracy"
    )
    assert " ".join(history.columns[:20]) == contract
    ends = history[(history.study == "number_of_updates") & (history.epoch == 2)]
    assert sorted(set(ends.updates)) == [2 * 6, 2 * 21]  # 1,297 examples, B = 256 and 64
    claims = pd.read_csv(tables / "claims.csv")
    assert set(claims.verdict) <= {"supported", "contradicted", "undetermined"}
    exact = claims[claims.claim == "formula"].iloc[0]
    assert exact.measured == 0 and exact.verdict == "supported"


def test_figures_come_in_five_formats(checkout: Checkout) -> None:
    figures = checkout.folder / "results/small/figures/switch"
    assert {path.name for path in figures.glob("final.*")} == {
        *("final.csv", "final.csv.provenance.json"),
        *("final.svg", "final.png", "final.pdf", "final.html", "final.vl.json", "final.provenance.json"),
    }


def test_provenance_says_how_a_snapshot_came_about(checkout: Checkout) -> None:
    records = list((checkout.folder / "results/segments").glob("*/seeds-0-1/state.provenance.json"))
    assert len(records) == 5
    for path in records:
        record = json.loads(path.read_text())
        assert {"spec", "code", "environment", "outputs", "packages", "device", "started", "git"} <= record.keys()
        assert record["spec"]["seeds"] == [0, 1]


def test_a_misspelt_key_stops_before_anything_runs(checkout: Checkout) -> None:
    checkout.configure(changed(lambda campaign: campaign.update(epochz=3)))
    code, output = checkout.snakemake()
    assert code != 0
    assert "unknown key 'epochz'; did you mean 'epochs'?" in output
    assert "Traceback" not in output
    checkout.configure(CAMPAIGN)
    assert checkout.planned() == {}


def test_no_network_is_one_clear_line(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    def mnist(campaign: dict[str, Any]) -> None:
        campaign["datasets"]["digits"] = {"name": "mnist"}

    checkout.configure(changed(mnist))
    monkeypatch.setenv("BATCHLAB_MIRROR", str(checkout.folder / "nowhere"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    code, output = checkout.snakemake("data")
    lines = [line for line in output.splitlines() if line.startswith("batchlab: error:")]
    assert code != 0 and len(lines) == 1
    assert "BATCHLAB_MIRROR" in lines[0]
    assert "Traceback" not in output
