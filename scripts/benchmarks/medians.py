"""Medians over the repeats of a measurement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any


def medians(rows: Sequence[dict[str, Any]], keys: Sequence[str], *values: str) -> list[dict[str, Any]]:
    """Return one row for each combination of `keys`, in order of appearance, with the medians of `values`."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return [
        {**dict(zip(keys, group, strict=True)), **{value: median(row[value] for row in found) for value in values}}
        for group, found in groups.items()
    ]
