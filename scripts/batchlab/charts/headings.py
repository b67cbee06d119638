"""The finding that stands above a figure: what the verdict on a claim says of this campaign's numbers."""

from __future__ import annotations

import csv
import os

from batchlab.errors import BatchlabError


def finding_of(path: str | os.PathLike[str], claim: str) -> str:
    """Return the finding of a claim; nothing where its row has none.

    Args:
        path: Claims of a study, as `judge_claims` has written them.
        claim: Name of the claim.

    Raises:
        BatchlabError: The table is missing or has no such claim.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = {row["claim"]: row for row in csv.DictReader(file)}
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no such table; run the step that writes it first") from None
    if claim not in rows:
        raise BatchlabError(f"{path}: no claim {claim}; name one of {', '.join(rows)}")
    return rows[claim].get("finding") or ""
