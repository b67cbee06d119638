"""Campaigns that ask for advice: what the key `advise` says, and what a campaign has by it without a word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchlab.errors import BatchlabError

# Studies of the catalogue that measure the machine, and that answer.
MACHINE, ANSWER = "machine", "advice"

# Keys of that study which rounds or the campaign decide.
_DECIDED = (
    "arms",
    "probes",
    "epochs",
    "seeds",
    "dataset",
    "model",
    "optimizer",
    "precision",
    "until",
    "evaluate",
    "snapshots",
)
_SEEDS = 4
# Sizes of a job, the best first.
_BLOCKS = (4, 5, 3, 2)

_SECONDS = {"s": 1, "min": 60, "h": 3600}
BUDGET = rf"[0-9]+(\.[0-9]+)? ?({'|'.join(_SECONDS)})"


def layer(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a campaign that asks for advice, which its own keys replace; nothing for any other.

    One that does not run the study that answers asks for none.

    Args:
        raw: The campaign as it is written, not checked yet.

    Raises:
        BatchlabError: It says itself what the study that answers trains.
    """
    run = raw.get("run")
    if "advise" not in raw or (isinstance(run, list) and ANSWER not in run):
        return {}
    _check_study(raw.get("studies"))
    asked = raw["advise"]
    size = asked.get("batch_size") if isinstance(asked, Mapping) else None
    return {
        "title": "Which batch size for this model and these data?",
        "run": [MACHINE, ANSWER],
        "seeds": {"count": _SEEDS, "block": _block(raw.get("seeds"))},
        "advice": {"figure": f"{ANSWER}.time", "claims": []},
        # A wrong one is told where it stands.
        "batch_sizes": {"small": size if isinstance(size, int) and size > 0 else 1},
    }


def _check_study(studies: Any) -> None:
    """Refuse what a campaign says of the study that answers where rounds, or the campaign's own keys, decide it.

    Raises:
        BatchlabError: The first such key.
    """
    own = studies.get(ANSWER) if isinstance(studies, Mapping) else None
    if said := next((key for key in own if key in _DECIDED), None) if isinstance(own, Mapping) else None:
        elsewhere = "take it out" if said in ("arms", "probes") else f"write {said} for the whole campaign"
        raise BatchlabError(f"studies.{ANSWER}.{said}: make advise decides this itself; {elsewhere}")


def _block(seeds: Any) -> int:
    """Return the seeds of a job: such that all jobs have as many, and added seeds make new jobs.

    Args:
        seeds: What the campaign says of seeds; a wrong one is told where it stands.
    """
    count = seeds.get("count") if isinstance(seeds, Mapping) else None
    count = count if isinstance(count, int) and count > 0 else _SEEDS
    return next((size for size in _BLOCKS if count % size == 0), count)


def budget_in_seconds(text: str) -> float:
    """Return the seconds of a budget such as `90 s`, `30 min` or `2 h`."""
    [(number, _, unit)] = re.findall(rf"^([0-9]+(\.[0-9]+)?) ?({'|'.join(_SECONDS)})$", text)
    return float(number) * _SECONDS[unit]
