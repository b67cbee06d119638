"""Words and numbers as the page writes them: counts with their noun, settings, units, percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchlab.tables.rounding import estimate


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 seed`, `5 seeds`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Return items as a text lists them: `a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def words(value: Any) -> str:
    """Return a setting of the campaign in words: `{a: 1, b: [2, 3]}` → `a 1, b 2 3`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{spaced(str(key))} {words(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(words(item) for item in value)
    return str(value)


def interval(low: str, high: str) -> str:
    """Return the ends of an interval in words, or a dash where there is none or it has no end."""
    if "–" in (low, high) or (low, high) == ("−∞", "∞"):
        return "–"
    return "exact" if low == high else f"{low} to {high}"


def told(numbers: Sequence[float], unit: str = "") -> str:
    """Return an estimate with its unit and its interval in brackets: `97.8 % [97.4, 98.1]`.

    Args:
        numbers: Estimate, lower and upper end; NaN where there is none.
        unit: Unit of all three, or nothing.
    """
    middle, lower, upper = estimate(*numbers)
    number = f"{middle} {unit}".strip()
    return number if "–" in (lower, upper) or lower == upper else f"{number} [{lower}, {upper}]"


def spaced(name: str) -> str:
    """Return the name of a column in words: `test_accuracy` → `test accuracy`."""
    return name.replace("_", " ")
