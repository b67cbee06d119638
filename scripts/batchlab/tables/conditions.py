"""What a condition on a column means, for one value and for a whole column alike. Standard library only.

Selection applies these functions to columns; planning applies them to the values that a column will have, so that a
filter that selects nothing is found before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Tables are written with nine significant digits, so two values that differ by less were equal when written.
RELATIVE, ABSOLUTE = 1e-8, 1e-12

# Column → words that stand for one of its values in a filter.
WORDS: dict[str, tuple[str, ...]] = {"epoch": ("last", "best"), "seed": ("first",)}


def is_number(value: object) -> bool:
    """Return whether a value of a campaign is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def close(value: Any, wanted: float) -> Any:
    """Return whether a number, or each number of an array, is the wanted one as far as tables are written."""
    return (value == wanted) | (abs(value - wanted) <= ABSOLUTE + RELATIVE * abs(wanted))


def within(value: Any, limits: Mapping[str, float]) -> Any:
    """Return whether a number, or each number of an array, lies between `min` and `max`, ends included."""
    inside = value == value  # a missing number equals nothing
    if "min" in limits:
        inside = inside & ((value >= limits["min"]) | close(value, limits["min"]))
    if "max" in limits:
        inside = inside & ((value <= limits["max"]) | close(value, limits["max"]))
    return inside


def same_text(value: Any, wanted: object) -> Any:
    """Return whether a text, or each text of a column, is the wanted one; a number stands for its digits."""
    return value == str(wanted)
