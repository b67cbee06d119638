"""The tables of `docs/other-data.md`: the same claims on several data sets, from the published comparison."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from batchlab.declarations.claim import EVIDENCE
from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT
from batchlab.tables.rounding import estimate

PAGE = PROJECT / "docs/other-data.md"
# Published campaigns in the order of the columns, and what their data are.
PUBLISHED = {
    "paper": "MNIST",
    "tour": "8×8 digits",
    "stream": "MNIST-1D, no example twice",
    "text": "Tiny Shakespeare",
}
COMPARISON = PROJECT / "results/compare" / f"{'+'.join(PUBLISHED)}.csv"
_DECIDED = ("supported", "contradicted")


def counts(cells: Sequence[Mapping[str, str]]) -> str:
    """Return, for each campaign, how many claims it judges and with which verdicts.

    Args:
        cells: Rows of the comparison: a claim in a campaign each.
    """
    found = {
        name: Counter(cell["verdict"] for cell in cells if cell["campaign"] == name and cell["standing"] == EVIDENCE)
        for name in PUBLISHED
    }
    return markdown_table(
        ("campaign", "data", "claims", *_DECIDED, "undetermined"),
        (
            (
                f"`{name}`",
                data,
                str(found[name].total()),
                *(str(found[name][verdict]) for verdict in (*_DECIDED, "undetermined")),
            )
            for name, data in PUBLISHED.items()
        ),
    )


def agreement(cells: Sequence[Mapping[str, str]]) -> str:
    """Return in a sentence how often data sets agree on a claim that several of them judge."""
    several = [found for found in _by_claim(cells).values() if len(found) > 1]
    decisions = [[verdict for cell in found.values() if (verdict := cell["verdict"]) in _DECIDED] for found in several]
    alike = sum(len(found) > 1 and len(set(found)) == 1 for found in decisions)
    apart = sum(len(set(found)) > 1 for found in decisions)
    once, never = (sum(len(found) == number for found in decisions) for number in (1, 0))
    return (
        f"Claims that are judged on two data sets or more: {len(several)}. Decided alike on two or more: {alike}; "
        f"decided on one only: {once}; on none: {never}; supported on one and contradicted on another: {apart}."
    )


def matrix(cells: Sequence[Mapping[str, str]]) -> str:
    """Return a line for each claim that several data sets judge: what each measured, and its verdict."""
    return markdown_table(
        ("study", "claim", *PUBLISHED.values()),
        (
            (study, next(iter(found.values()))["statement"], *(_told(found.get(name)) for name in PUBLISHED))
            for (study, _), found in _by_claim(cells).items()
            if len(found) > 1
        ),
    )


def _by_claim(cells: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], dict[str, Mapping[str, str]]]:
    """Return study and claim → campaign → its cell, of claims that count as evidence."""
    found: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
    for cell in cells:
        if cell["standing"] == EVIDENCE:
            found.setdefault((cell["study"], cell["claim"]), {})[cell["campaign"]] = cell
    return found


def _told(cell: Mapping[str, str] | None) -> str:
    if cell is None:
        return "–"
    value, low, high = estimate(*(float(cell[key] or "nan") for key in ("measured", "ci_low", "ci_high")))
    between = "" if low == high == "–" else f" [{low}, {high}]"
    return f"{cell['verdict']}: {value}{between} {cell['unit']}".rstrip()


def rendered() -> dict[Path, str]:
    """Return `docs/other-data.md` with its tables as they are now; nothing where the comparison is not at hand."""
    if not COMPARISON.is_file():
        return {}
    with COMPARISON.open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    blocks = {"counts": counts(cells), "agreement": agreement(cells), "matrix": matrix(cells)}
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), blocks)}
