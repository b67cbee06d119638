"""The README's table of measured beside published values."""

from __future__ import annotations

import csv
from pathlib import Path

from batchlab.pages import readme


def test_the_table_counts_verdicts_and_shows_the_selected_claims(tmp_path: Path) -> None:
    names = [(study, claim) for study, claims in readme.SHOWN.items() for claim in claims]
    keys = (
        "study",
        "claim",
        "statement",
        "source",
        "published",
        "measured",
        "ci_low",
        "ci_high",
        "n",
        "unit",
        "verdict",
    )
    rows = [
        [study, claim, f"{claim} holds.", "Somebody 2020", "2 pp", "-1.9876", "-2.1", "-1.8752", "5", "pp", "supported"]
        for study, claim in names
    ]
    rows += [["other", "not_shown", "Nothing.", "Nobody", "0", "1", "0", "2", "3", "", "contradicted"]]
    path = tmp_path / "claims.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([keys, *rows])
    before, after = "# A project\n", "The end.\n"
    text = readme.with_table(f"{before}{readme.BEGIN}yesterday{readme.END}{after}", path)
    assert (
        text.startswith(f"{before}{readme.BEGIN}") and text.endswith(f"{readme.END}{after}") and "yesterday" not in text
    )
    assert (
        f"{len(names) + 1} published claims were judged: {len(names)} supported, 1 contradicted, 0 undetermined" in text
    )
    assert text.count("| Somebody 2020: 2 pp | −1.99 [−2.10, −1.88] pp | 5 | supported |") == len(names)
    assert "Nothing." not in text


def test_the_readme_has_one_place_for_the_table() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert text.count(readme.BEGIN) == text.count(readme.END) == 1
