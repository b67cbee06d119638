"""The tables of the same claims on several data sets, from a comparison written by hand."""

from __future__ import annotations

from itertools import starmap

import pytest

from batchlab.pages import other_data

KEYS = ("study", "claim", "statement", "campaign", "verdict", "standing", "measured", "ci_low", "ci_high", "unit", "n")


def cell(claim: str, campaign: str, verdict: str, standing: str = "evidence") -> dict[str, str]:
    row = ("switch", claim, f"{claim} of {campaign}.", campaign, verdict, standing, "-1.26", "-1.5", "-1.0", "pp", "5")
    return dict(zip(KEYS, row, strict=True))


CELLS = list(
    starmap(
        cell,
        [
            ("alike", "paper", "supported"),
            ("alike", "text", "supported"),
            ("apart", "paper", "supported"),
            ("apart", "tour", "contradicted"),
            ("once", "paper", "undetermined"),
            ("once", "tour", "contradicted"),
            ("never", "tour", "undetermined"),
            ("never", "stream", "undetermined"),
            ("alone", "paper", "supported"),
            ("exact", "paper", "supported", "arithmetic"),
            ("exact", "tour", "supported", "arithmetic"),
        ],
    )
)


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("MNIST", "8×8 digits", "MNIST-1D, no example twice", "Tiny Shakespeare")
    monkeypatch.setattr(other_data, "PUBLISHED", dict(zip(("paper", "tour", "stream", "text"), names, strict=True)))


def test_claims_that_count_are_counted_by_verdict() -> None:
    lines = other_data.counts(CELLS).splitlines()
    assert lines[0] == "| campaign | data | claims | supported | contradicted | undetermined |"
    assert lines[2:] == [
        "| `paper` | MNIST | 4 | 3 | 0 | 1 |",
        "| `tour` | 8×8 digits | 3 | 0 | 2 | 1 |",
        "| `stream` | MNIST-1D, no example twice | 1 | 0 | 0 | 1 |",
        "| `text` | Tiny Shakespeare | 1 | 1 | 0 | 0 |",
    ]


def test_agreement_is_counted_over_claims_of_several_data_sets() -> None:
    assert other_data.agreement(CELLS) == (
        "Claims that are judged on two data sets or more: 4. Decided alike on two or more: 1; decided on one only: 1; "
        "on none: 1; supported on one and contradicted on another: 1."
    )


def test_each_claim_of_several_data_sets_has_a_line() -> None:
    lines = other_data.matrix(CELLS).splitlines()
    assert len(lines) == 2 + 4
    measured = "−1.26 [−1.50, −1.00] pp"
    assert lines[2] == f"| switch | alike of paper. | supported: {measured} | – | – | supported: {measured} |"
