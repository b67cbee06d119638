"""The tour: every study of the catalogue on the digits, from data to the page."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import rejudge
import yaml
from workflow.checkouts import PROJECT, Checkout


@pytest.mark.slow
def test_every_study_runs_on_the_digits(tmp_path: Path) -> None:
    tour = yaml.safe_load((PROJECT / "config/tour.yaml").read_text())
    checkout = Checkout(tmp_path)
    checkout.configure(tour)
    code, output = checkout.snakemake()
    assert code == 0, output
    results = checkout.folder / "results/tour"
    claims = list(csv.DictReader((results / "tables/claims.csv").open()))
    assert {claim["study"] for claim in claims} == set(tour["run"])
    # What cannot be otherwise.
    for name in ("formula", "same_in_float64", "equal_examples"):
        assert [claim["verdict"] for claim in claims if claim["claim"] == name] == ["supported"], name
    judged = list(rejudge.rejudged(results))
    assert len(judged) == len(claims)
    assert {name: differ for name, row, found in judged if (differ := rejudge.otherwise(row, found))} == {}
    page = (results / "index.html").read_text()
    assert "Statements found in public threads" in page
    for study in tour["run"]:
        assert list((results / "figures" / study).glob("*.svg")), study
