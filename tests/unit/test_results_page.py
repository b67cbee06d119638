"""The table of measured beside published values, and the graph of rules."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from batchlab.pages.published_results import table
from batchlab.pages.rule_graph import reduced

KEYS = ("study", "claim", "statement", "source", "published", "measured", "ci_low", "ci_high", "n", "unit", "verdict")
ROW = ["switch", "a", "It holds.", "Somebody 2020", "2 pp", "-1.9876", "-2.1", "-1.8752", "5", "pp", "supported"]


@pytest.mark.parametrize("standing", [[], ["standing"]])
def test_the_table_counts_evidence_and_shows_every_claim(tmp_path: Path, standing: list[str]) -> None:
    rows = [
        [*ROW, *(["evidence"] if standing else [])],
        [*ROW[:-1], "contradicted", *(["calibrated"] if standing else [])],
    ]
    with (tmp_path / "claims.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([(*KEYS, *standing), *rows])
    text = table(tmp_path / "claims.csv")
    counted = (
        "1 claims were judged: 1 supported, 0" if standing else "2 claims were judged: 1 supported, 1 contradicted, 0"
    )
    assert text.startswith(counted)
    shown = "| switch | It holds. | Somebody 2020: 2 pp | −1.99 [−2.10, −1.88] pp | 5 |"
    assert f"{shown} supported |" in text
    assert f"{shown} {'calibrated' if standing else 'contradicted'} |" in text


@pytest.mark.parametrize(
    ("values", "source", "shown"),
    [
        (("7.6", "", ""), "", "| 2 pp | 7.6 pp, no interval | 5 |"),
        (("", "", ""), "Somebody 2020", "| Somebody 2020: 2 pp | – | 5 |"),
        (("1.5", "1.2", "inf"), "", "| 2 pp | 1.50 [1.20, ∞] pp | 5 |"),
    ],
)
def test_what_there_is_not_is_left_out(tmp_path: Path, values: tuple[str, str, str], source: str, shown: str) -> None:
    row = dict(zip(KEYS, ROW, strict=True)) | dict(zip(("measured", "ci_low", "ci_high"), values, strict=True))
    with (tmp_path / "claims.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([KEYS, (row | {"source": source}).values()])
    assert shown in table(tmp_path / "claims.csv")


def test_arrows_that_follow_from_others_are_left_out() -> None:
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("a", "e")]
    assert reduced(pairs) == [("a", "b"), ("b", "c"), ("c", "d"), ("a", "e")]
