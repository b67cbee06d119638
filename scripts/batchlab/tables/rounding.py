"""Numbers as people read them: an estimate and the ends of its interval have the digits that the interval supports."""

from __future__ import annotations

import math
from typing import Any

# Numbers between these are written out, others as a multiple of a power of ten.
_SMALLEST, _LARGEST = 1e-3, 1e6


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _power(value: float) -> int:
    """Return the power of ten of a number's first digit; 0 for 0."""
    return int(f"{value:e}".partition("e")[2])


def number(value: Any, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, a dash where there is none, a true minus sign."""
    if not _finite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "–")
    if value == 0 or _SMALLEST <= abs(value) < _LARGEST:
        text = f"{value:.{digits}g}" if abs(value) < 10 ** (digits - 1) else f"{value:,.1f}".removesuffix(".0")
        text = f"{float(text.replace(',', '')):,.10g}"
    else:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def decimals(uncertainty: float) -> int:
    """Return the decimal places to which a value is told; negative ones are powers of ten.

    The uncertainty keeps two digits if it begins with 100 to 354, and one if with 355 to 949; beyond, it counts as
    1000 and keeps two (Particle Data Group, Review of Particle Physics, Introduction, "Rounding").

    Args:
        uncertainty: Greater than 0, such as half the width of an interval.
    """
    leading, _, power = f"{uncertainty:.2e}".partition("e")
    return (1 if float(leading) < 3.55 else 0) - int(power)


def estimate(value: Any, low: Any, high: Any) -> tuple[str, str, str]:
    """Return an estimate and the ends of its interval as text, all three with the same decimal places.

    Args:
        value: The estimate.
        low: Lower end of its interval.
        high: Upper end.

    Returns:
        Three texts as those of `number`. Without an interval, or with one of width 0, a number has four significant
        digits.
    """
    ends = [end for end in (low, high) if _finite(end)]
    known = _finite(value) and bool(ends) and all(_finite(end) or end in (-math.inf, math.inf) for end in (low, high))
    # Of an open interval, the end that is there says how well the value is known.
    half = 0.0 if not known else (high - low) / 2 if len(ends) == 2 else abs(value - ends[0])
    if not known or not half > 0:
        return number(value, 4), number(low, 4), number(high, 4)
    places = decimals(half)
    largest = max(abs(each) for each in (*ends, value))
    power = 0 if _SMALLEST <= largest < _LARGEST else _power(largest)

    def text(item: float) -> str:
        if not _finite(item):
            return number(item)
        shown = f"{round(item / 10.0**power, places + power):,.{max(0, places + power)}f}"
        if not shown.strip("-0.,"):
            return shown.lstrip("-")
        return (f"{shown}e{power}" if power else shown).replace("-", "−")

    return text(value), text(low), text(high)
