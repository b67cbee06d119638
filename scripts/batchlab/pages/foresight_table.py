"""The tables of `docs/foresight.md`: what gradients foresaw and what training showed, from `results/foresight`."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT
from batchlab.report.advising import BY_NOISE
from batchlab.report.foresight import WHEN
from batchlab.tables.rounding import estimate, number

PAGE = PROJECT / "docs/foresight.md"
FOLDER = PROJECT / "results/foresight"


def ranks_table(folder: Path = FOLDER) -> str:
    """Return how well each rule foresaw the knee at each time, as Markdown.

    Args:
        folder: Where `make foresight` writes.
    """
    head = ("rule", "measured", "workloads with both", "rank correlation τ", "foreseen size over the knee")
    rows = [
        (
            *(BY_NOISE[row["rule"]], row["when"], f"{row['known']} of {row['workloads']}"),
            *(_told(row, "rank"), _told(row, "ratio")),
        )
        for row in _rows(folder / "ranks.csv")
    ]
    return markdown_table(head, rows)


def knees_table(folder: Path = FOLDER) -> str:
    """Return the measured knee of each workload beside the noise scale at three times, as Markdown.

    Args:
        folder: Where `make foresight` writes.
    """
    rows = [row for row in _rows(folder / "knees.csv") if row["rule"] == "noise_scale"]
    listed = []
    for campaign in dict.fromkeys(row["campaign"] for row in rows):
        own = {row["when"]: row for row in rows if row["campaign"] == campaign}
        knee = _told(next(iter(own.values())), "knee")
        foreseen = [_told(own[when], "foreseen") if when in own else "–" for when in WHEN]
        listed.append((campaign.removeprefix("foresight_"), knee, *foreseen))
    return markdown_table(("workload", "knee", *(f"noise scale, {when}" for when in WHEN)), listed)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _told(row: Mapping[str, str], name: str) -> str:
    """Return a value with its interval."""
    value, low, high = (float(row[key] or "nan") for key in (name, f"{name}_low", f"{name}_high"))
    if not math.isfinite(value):
        return "none found"
    if name != "rank" and low > 0 and high > 2 * low:  # two digits each, as on a logarithmic scale
        shown, *ends = (number(float(f"{each:.2g}")) for each in (value, low, high))
    else:
        shown, *ends = estimate(value, low, high)
    return f"{shown} [{', '.join(ends)}]" if math.isfinite(low) and math.isfinite(high) else shown


def rendered() -> dict[Path, str]:
    """Return `docs/foresight.md` with the tables as they are now."""
    there = (FOLDER / "ranks.csv").is_file()
    shown = {"ranks": ranks_table, "knees": knees_table}
    blocks = {name: table() if there else "Not measured yet." for name, table in shown.items()}
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), blocks)}
