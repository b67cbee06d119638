"""Campaigns that ask for advice: what the key `advise` says, and what a campaign has by it without a word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Studies of the catalogue that measure the machine, and that answer.
MACHINE, ANSWER = "machine", "advice"

_SECONDS = {"s": 1, "min": 60, "h": 3600}
BUDGET = rf"[0-9]+(\.[0-9]+)? ?({'|'.join(_SECONDS)})"


def layer(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a campaign with `advise`, which its own keys replace; nothing without it.

    Args:
        raw: The campaign as it is written, not checked yet.
    """
    if "advise" not in raw:
        return {}
    asked = raw["advise"]
    size = asked.get("batch_size") if isinstance(asked, Mapping) else None
    return {
        "title": "Which batch size for this model and these data?",
        "run": [MACHINE, ANSWER],
        "seeds": {"count": 4, "block": 4},
        "advice": {"figure": f"{ANSWER}.time", "claims": []},
        # A wrong one is told where it stands.
        "batch_sizes": {"small": size if isinstance(size, int) and size > 0 else 1},
    }


def budget_in_seconds(text: str) -> float:
    """Return the seconds of a budget such as `90 s`, `30 min` or `2 h`."""
    [(number, _, unit)] = re.findall(rf"^([0-9]+(\.[0-9]+)?) ?({'|'.join(_SECONDS)})$", text)
    return float(number) * _SECONDS[unit]
