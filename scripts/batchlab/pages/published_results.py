"""The table of measured beside published values in `docs/results.md`, from the claims of `results/paper`."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT
from batchlab.tables.rounding import estimate

PAGE = PROJECT / "docs/results.md"
CLAIMS = PROJECT / "results/paper/tables/claims.csv"
_COUNTED = ("supported", "contradicted", "undetermined")
# How a number that there is not is written.
_MISSING = "–"


def table(claims: Path = CLAIMS) -> str:
    """Return the count of verdicts and all claims as Markdown.

    Args:
        claims: Table of claims; one from before claims had a standing counts all of them.
    """
    with claims.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    evidence = [row for row in rows if row.get("standing", "evidence") == "evidence"]
    verdicts = Counter(row["verdict"] for row in evidence)
    levels = sorted({f"{100 * float(row.get('confidence') or 0.95):.3g} %" for row in rows})
    counted = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in _COUNTED)
    return f"{len(evidence)} claims were judged: {counted}.\n\n" + markdown_table(
        ("study", "claim", "source: published", f"measured, {' or '.join(levels)} interval", "seeds", "verdict"),
        map(_cells, rows),
    )


def _cells(row: dict[str, str]) -> tuple[str, ...]:
    value, low, high = estimate(*(float(row[key] or "nan") for key in ("measured", "ci_low", "ci_high")))
    standing = row.get("standing", "evidence")
    verdict = row["verdict"] if standing == "evidence" else standing
    whole = (
        f"{value} {row['unit']}, no interval" if low == high == _MISSING else f"{value} [{low}, {high}] {row['unit']}"
    )
    measured = _MISSING if value == _MISSING else whole.replace(" ,", ",").strip()
    published = ": ".join(filter(None, (row["source"], row["published"])))
    return row["study"], row["statement"], published, measured, row["n"], verdict


def rendered() -> dict[Path, str]:
    """Return `docs/results.md` with the table as it is now; nothing where the published campaign is not at hand."""
    if not CLAIMS.is_file():
        return {}
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), {"claims": table()})}
