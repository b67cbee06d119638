"""In words, how settings or digests in a record differ from the planned ones; shared by currency and verification."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

SHOWN = 3  # differing settings that are named


def changes(recorded: Any, planned: Any, key: str = "") -> list[str]:
    """Return in words where two settings differ: `optimizer.momentum: 0.9 recorded, 0 planned`."""
    if isinstance(recorded, dict) and isinstance(planned, dict):
        found = []
        for name in sorted(recorded.keys() | planned.keys()):
            inner = f"{key}.{name}" if key else name
            if name not in planned:
                found.append(f"{inner}: recorded, not planned")
            elif name not in recorded:
                found.append(f"{inner}: planned, not recorded")
            else:
                found += changes(recorded[name], planned[name], inner)
        return found
    if isinstance(recorded, list) and isinstance(planned, list) and len(recorded) == len(planned):
        pairs = enumerate(zip(recorded, planned, strict=True))
        return [change for at, (old, new) in pairs for change in changes(old, new, f"{key}[{at}]")]
    return [] if recorded == planned else [f"{key}: {short(recorded)} recorded, {short(planned)} planned"]


def short(value: Any) -> str:
    """Return a value as JSON of at most 40 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


def first(found: Iterable[str]) -> str:
    """Return the first of many differences in one line, and how many more there are."""
    every = list(found)
    return "; ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")
