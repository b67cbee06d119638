"""Regions of numbers, and what an interval says about them: verdict, direction and size.

Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchlab.declarations.claim import PAIRED, TESTS
from batchlab.errors import BatchlabError

# Two deterministic quantities whose quotient is 1/2 on paper may miss it by rounding, of the tables' nine digits too.
_ROUNDING = 1e-8


@dataclass(frozen=True)
class Region:
    """Values between `low` and `high`, ends included if `closed`."""

    low: float
    high: float
    closed: bool

    def _position(self, ci_low: float, ci_high: float) -> tuple[bool, bool]:
        """Return whether an interval lies inside, and whether it lies entirely outside."""
        slack = _ROUNDING if self.closed else -_ROUNDING
        low = self.low - slack * abs(self.low) if math.isfinite(self.low) else self.low
        high = self.high + slack * abs(self.high) if math.isfinite(self.high) else self.high
        if self.closed:
            return low <= ci_low and ci_high <= high, ci_high < low or ci_low > high
        return low < ci_low and ci_high < high, ci_high <= low or ci_low >= high

    def verdict(self, ci_low: float, ci_high: float) -> str:
        """Return supported, contradicted or undetermined for an interval; NaN ends mean that there is none."""
        inside, outside = self._position(ci_low, ci_high)
        return "supported" if inside else "contradicted" if outside else "undetermined"

    def holds(self, ci_low: float, ci_high: float) -> bool:
        """Return whether an interval lies inside."""
        return self._position(ci_low, ci_high)[0]

    def text(self, factor: float, unit: str) -> str:
        """Return the region as a person writes it, in the unit of the claim."""
        suffix = f" {unit}" if unit else ""
        low, high = (f"{factor * end:.6g}".replace("-", "−") + suffix for end in (self.low, self.high))
        if math.isinf(self.low):
            return f"{'≤' if self.closed else '<'} {high}"
        if math.isinf(self.high):
            return f"{'≥' if self.closed else '>'} {low}"
        return f"{low} to {high}"


def centre(test: str) -> float:
    """Return the value of no effect: 1 for ratios, 0 for differences and slopes."""
    return 1.0 if test == "ratio" else 0.0


def between(limits: Mapping[str, Any]) -> Region:
    """Return the closed region of `{min, max}`, either of which may be left out."""
    return Region(float(limits.get("min", -math.inf)), float(limits.get("max", math.inf)), closed=True)


def check(claim: Mapping[str, Any]) -> None:
    """Raise if a claim lacks what its test needs, or expects what the test cannot say.

    Raises:
        BatchlabError: Without `minus` where two selections are compared; a margin or an expectation that does not fit.
    """
    if (test := claim["test"]) not in TESTS:
        raise BatchlabError(f"test {test!r} is not allowed; write {', '.join(TESTS)}")
    if test in PAIRED and not claim.get("minus"):
        raise BatchlabError(f"test {test} needs `minus`, the selection to compare with")
    expected(claim)
    published_region(claim)


def expected(claim: Mapping[str, Any]) -> Region:
    """Return the region in which a claim expects its estimate, in the unit of the table.

    Raises:
        BatchlabError: The expectation does not fit the test.
    """
    test = claim["test"]
    expect = claim.get("expect", "equal" if test == "equal" else None)
    if isinstance(expect, Mapping):
        return between(expect)
    if expect not in ("less", "greater", "equal") or (test == "equal" and expect != "equal"):
        allowed = "equal or a range {min, max}" if test == "equal" else "less, greater, equal or a range {min, max}"
        raise BatchlabError(f"expect {expect!r} is not allowed with test {test}; write {allowed}")
    if expect == "equal" and claim.get("margin") is None:
        raise BatchlabError("expect equal needs a margin: the largest difference that still counts as none")
    none, margin = centre(test), float(claim.get("margin") or 0.0)
    if expect == "less":
        return Region(-math.inf, none - margin, closed=False)
    if expect == "greater":
        return Region(none + margin, math.inf, closed=False)
    return Region(none - margin, none + margin, closed=True)


def no_effect(claim: Mapping[str, Any]) -> Region:
    """Return the region that counts as no effect: the margin, a bounded expectation around it, or the point alone."""
    none, margin = centre(claim["test"]), claim.get("margin")
    if margin is None and isinstance(expect := claim.get("expect"), Mapping):
        region = between(expect)
        if math.isfinite(region.low) and region.low < none < region.high < math.inf:
            return region
    return Region(none - float(margin or 0.0), none + float(margin or 0.0), closed=True)


def direction(claim: Mapping[str, Any], ci_low: float, ci_high: float) -> str:
    """Return how an interval lies to no effect: lower, higher, equal (all of it within the margin) or open.

    A level has no direction, and of an estimate without an interval it is open.
    """
    if claim["test"] == "level":
        return ""
    none = centre(claim["test"])
    if no_effect(claim).holds(ci_low, ci_high):
        return "equal"
    if Region(-math.inf, none, closed=False).holds(ci_low, ci_high):
        return "lower"
    return "higher" if Region(none, math.inf, closed=False).holds(ci_low, ci_high) else "open"


def published_region(claim: Mapping[str, Any]) -> Region | None:
    """Return the region of the published number, which is a range, or a number give or take the margin; or nothing.

    Raises:
        BatchlabError: A number without a margin.
    """
    value = claim.get("published_value")
    if value is None or isinstance(value, Mapping):
        return between(value) if value is not None else None
    if claim.get("margin") is None:
        raise BatchlabError("published_value needs a margin, or write it as {min, max}")
    return Region(value - float(claim["margin"]), value + float(claim["margin"]), closed=True)


def size(claim: Mapping[str, Any], ci_low: float, ci_high: float) -> str:
    """Return whether the published number is reproduced, other or open; nothing where none was published."""
    region = published_region(claim)
    if region is None:
        return ""
    words = {"supported": "reproduced", "contradicted": "other", "undetermined": "open"}
    return words[region.verdict(ci_low, ci_high)]
