"""The README shows what `results/paper` says."""

from __future__ import annotations

from batchlab.pages.readme import BEGIN, END, README, with_table


def test_the_readme_shows_the_claims_of_results_paper() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert with_table(text) == text, "run `make readme`"
