"""What came out, in a line or two for the end of a run: verdicts, and what the tables recommend."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from batchlab.planning.lookup import Campaign


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


def recommended(campaign: Campaign) -> list[str]:
    """Return the advice of each table of the kind `recommendation` that lies there."""
    found = []
    for name, study in campaign.plan.studies.items():
        for table, derived in study.derived.items():
            if derived.derivation == "recommendation":
                path = Path(campaign.jobs.derived_path(name, table))
                if path.is_file():
                    with path.open(encoding="utf-8", newline="") as file:
                        found += [row["advice"] for row in csv.DictReader(file) if row.get("advice")]
    return found
