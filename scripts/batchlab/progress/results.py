"""What came out, in a few lines for the end of a run: verdicts, what more seeds could tell, what tables recommend."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from batchlab.planning.lookup import Campaign


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, none if there is no such file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError:
        return []


def counts(path: Path) -> str:
    """Return `20 supported, 1 contradicted, 4 undetermined`, of claims that count as evidence where the table says so.

    Args:
        path: `tables/claims.csv` of the campaign; without one, or without claims, the text is empty.
    """
    rows = _rows(path)
    counted = Counter(row["verdict"] for row in rows if row.get("standing", "evidence") == "evidence")
    order = ("supported", "contradicted", "undetermined")
    texts = [f"{counted[verdict]} {verdict}" for verdict in order if counted[verdict]]
    others = len(rows) - sum(counted[verdict] for verdict in order)
    return ", ".join([*texts, *([f"{others} not counted as evidence"] if others and texts else [])])


def more_seeds(campaign: Campaign, path: Path) -> list[str]:
    """Return how seeds are added where an answer is open and another look at it was planned (`seeds.up_to`).

    Args:
        campaign: The planned campaign.
        path: `tables/claims.csv` of the campaign.
    """
    seeds, lines = campaign.plan.config["seeds"], []
    rows = {(row["study"], row["claim"]): row for row in _rows(path)}
    for name, study in campaign.plan.studies.items():
        taken = study.settings.get("seeds", seeds["count"])
        told = [row for claim in study.answer if (row := rows.get((name, claim)))]
        # More seeds do not mend runs that failed.
        claims = [row["claim"] for row in told if row["verdict"] == "undetermined" and row["excluded"] == "0"]
        if claims and study.looks > 1 and taken < seeds["up_to"]:
            lines.append(
                f"Open with {taken} of at most {seeds['up_to']} seeds: {', '.join(claims)}; for another look write "
                f"studies: {{{name}: {{seeds: {taken + seeds['count']}}}}}"
            )
    return lines


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
