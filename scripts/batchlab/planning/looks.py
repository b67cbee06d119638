"""How often verdicts may be looked at while seeds are added.

Who adds seeds where a claim is undetermined, and looks again, errs more often than who looks once. A campaign that says
`seeds: {count: 5, up_to: 15}` has decided before its run that a study may be judged with 5, 10 and 15 seeds, and its
claims are judged at each of these looks by an interval that all of them together do not miss more often than one look
would (`batchlab.tables.claims`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlab.errors import BatchlabError


def looks_of(seeds: Mapping[str, Any], study: str, own: int | None) -> int:
    """Return how many looks at a study are planned; 1 where no seeds are to be added.

    Args:
        seeds: `count`, and perhaps `up_to`, of the campaign.
        study: Name of the study.
        own: The number of seeds that the study says itself, if it does.

    Raises:
        BatchlabError: `up_to` is no multiple of `count`, or no look is planned at the study's number of seeds.
    """
    count, most = seeds["count"], seeds.get("up_to")
    if most is None:
        return 1
    if most % count:
        raise BatchlabError(
            f"seeds.up_to: {most} is no multiple of {count}, the count; seeds are added {count} at a time"
        )
    if own is not None and own < count:
        return 1
    if own is not None and (own % count or own > most):
        planned = ", ".join(map(str, range(count, most + 1, count)))
        raise BatchlabError(
            f"studies.{study}.seeds: {own}, but looks are planned at {planned} seeds (seeds.up_to); choose one of "
            f"them, or fewer than {count}"
        )
    return most // count
