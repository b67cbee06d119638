"""One sentence on many verdicts at once. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from batchlab.declarations.claim import EVIDENCE

# How often a claim whose truth lies on the edge of its region is contradicted: half of what a 95 % interval misses.
_ONE_SIDE = 0.025


def multiplicity(claims: Iterable[Mapping[str, str]]) -> str:
    """Return what a reader of several verdicts must know of their number; nothing of a single one.

    Args:
        claims: Rows of the table `claims`.
    """
    count = sum(claim["standing"] == EVIDENCE for claim in claims)
    if count < 2:
        return ""
    return (
        f"The {count} verdicts that count are taken one by one and not adjusted for their number: if the truth of each"
        f" claim lay on the edge of its region, {_ONE_SIDE * count:.2g} of {count} would be contradicted by chance."
        " Many of them share runs, so that they err together."
    )
