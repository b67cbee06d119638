"""How many claims of a campaign got which verdict, from its table."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path


def counts(path: Path) -> str:
    """Return `20 supported, 1 contradicted, 4 undetermined`, of claims that count as evidence where the table says so.

    Args:
        path: `tables/claims.csv` of the campaign; without one, or without claims, the text is empty.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return ""
    counted = Counter(row["verdict"] for row in rows if row.get("standing", "evidence") == "evidence")
    order = ("supported", "contradicted", "undetermined")
    texts = [f"{counted[verdict]} {verdict}" for verdict in order if counted[verdict]]
    others = len(rows) - sum(counted[verdict] for verdict in order)
    return ", ".join([*texts, *([f"{others} not counted as evidence"] if others and texts else [])])
