"""What the runs say on a claim, in one sentence made of an estimate: a figure's title and an answer of the page.

A sentence has at most `LONGEST` characters and no full stop; what does not fit is left out, the number of seeds first.
Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from batchlab.tables import rounding

LONGEST = 110
_TURNED = {"at least": "at most", "at most": "at least"}
# A positive quantity is told to two digits if its interval spans more than this factor.
_WIDE = 2


@dataclass(frozen=True)
class Told:
    """What a finding is made of, numbers in the unit in which they are shown.

    Attributes:
        test: The test of the claim.
        direction: See `batchlab.tables.regions.direction`.
        mean: The estimate.
        ci_low: Lower end of its interval; NaN if there is none.
        ci_high: Upper end.
        n: Seeds or pairs of seeds.
        excluded: Runs that are not in them.
        unit: Unit of the numbers, or nothing.
        within: What counts as no effect, in words, such as `0.3 pp`; empty if only equal numbers do.
        words: `of`, `minus` and `value`: what the selections and the value are called.
        where: Of several cells, which one is told.
        cells: Number of cells.
        ends: Whether the numbers are those at the end of the runs.
        bound: `at least` or `at most` where that is all that the runs say.
    """

    test: str
    direction: str
    mean: float
    ci_low: float
    ci_high: float
    n: int
    excluded: int
    unit: str
    within: str
    words: Mapping[str, str]
    where: str
    cells: int
    ends: bool
    bound: str = ""


def _capital(text: str) -> str:
    """Return a text that begins a sentence; a symbol keeps its case."""
    return text[:1].upper() + text[1:] if text[1:2].islower() else text


def _estimate(told: Told, sign: float) -> tuple[str, str, str]:
    """Return estimate and interval as text; an end that is not 0 is not shown as 0."""
    ends = sorted((sign * told.ci_low, sign * told.ci_high))
    if math.isnan(told.ci_low):
        return rounding.number(sign * told.mean), "", ""
    if told.test in ("ratio", "level") and ends[0] > 0 and ends[1] > _WIDE * ends[0]:
        # On the logarithmic scale each end has digits of its own.
        value, low, high = (rounding.number(each, 2) for each in (told.mean, *ends))
        return value, low, high
    texts = rounding.estimate(sign * told.mean, *ends)
    excludes = ends[0] > 0 or ends[1] < 0
    if excludes and any(not text.strip("−0.,") for text in texts[1:]):
        near = min(ends, key=abs)
        places = -math.floor(math.log10(abs(near)))
        value, low, high = (f"{each:,.{places}f}".replace("-", "−") for each in (sign * told.mean, *ends))
        return value, low, high
    return texts


def _numbers(told: Told, turned: bool) -> tuple[str, str]:
    """Return the estimate with its unit, and its interval in brackets; turned: with the opposite sign."""
    value, low, high = _estimate(told, -1.0 if turned else 1.0)
    unit = f" {told.unit}" if told.unit else ""
    if told.bound:
        value = f"{_TURNED[told.bound] if turned else told.bound} {value}"
    if math.isnan(told.ci_low):
        return f"{value}{unit}", " (no interval)"
    if told.ci_low == told.ci_high:
        return f"{value}{unit}", " in every run"
    return f"{value}{unit}", f" [{low}, {high}]"


def _seeds(told: Told) -> str:
    seeds = f", {told.n} seed{'' if told.n == 1 else 's'}"
    runs = f"{told.excluded} run{'' if told.excluded == 1 else 's'}"
    return f"{seeds} ({runs} left out)" if told.excluded else seeds


def _difference(told: Told) -> tuple[str, str]:
    of, minus, value = told.words["of"], told.words["minus"], told.words["value"]
    number, interval = _numbers(told, turned=told.direction == "lower")
    verb = "ends" if told.ends else "is"
    if told.direction in ("lower", "higher"):
        side = "below" if told.direction == "lower" else "above"
        return f"{of} {verb} {number} {side} {minus}", f" in {value}{interval}"
    if told.direction == "equal":
        verb, within = "end" if told.ends else "are", f"within {told.within} of each other" if told.within else "equal"
        return f"{of} and {minus} {verb} {within} in {value}", f": {number}{interval}"
    if math.isnan(told.ci_low):
        return f"{value}: {'+' if told.mean > 0 else ''}{number} from {minus} to {of}", interval
    return f"{of} and {minus} cannot be told apart in {value}", f": {number}{interval}"


def _ratio(told: Told) -> tuple[str, str]:
    of, minus, value = told.words["of"], told.words["minus"], told.words["value"]
    number, interval = _numbers(told, turned=False)
    if told.direction in ("lower", "higher") or math.isnan(told.ci_low):
        return f"{value}: {of} has {number} times that of {minus}", interval
    if told.direction == "equal":
        agree = f"agree within {told.within}" if told.within else "are equal"
        return f"{value}: {of} and {minus} {agree}", f", ratio {number}{interval}"
    return f"{value}: {of} and {minus} cannot be told apart", f", ratio {number}{interval}"


def _trend(told: Told) -> tuple[str, str]:
    value = told.words["value"]
    number, interval = _numbers(told, turned=told.direction == "lower")
    if told.direction in ("lower", "higher"):
        return f"{value} {'falls' if told.direction == 'lower' else 'rises'} by {number} per doubling of B", interval
    if told.direction == "equal":
        change = (
            f"changes by less than {told.within} per doubling of B" if told.within else "neither rises nor falls with B"
        )
        return f"{value} {change}", f": {number}{interval}"
    return f"{value} neither clearly rises nor falls with B", f": {number}{interval} a doubling"


def _steps(told: Told) -> tuple[str, str]:
    value = told.words["value"]
    number, interval = _numbers(told, turned=told.direction == "lower")
    if told.direction in ("lower", "higher"):
        return f"{value} {'falls' if told.direction == 'lower' else 'rises'} by {number} {told.where}", interval
    return f"{value} neither clearly rises nor falls {told.where}", f": {number}{interval}"


def _level(told: Told) -> tuple[str, str]:
    number, interval = _numbers(told, turned=False)
    if told.unit == "%":
        return f"{told.words['of']} {'reaches' if told.ends else 'has'} {number} {told.words['value']}", interval
    return f"{told.words['of']}: {told.words['value']} {number}", interval


_SENTENCES = {
    "difference": _difference,
    "equal": _difference,
    "ratio": _ratio,
    "trend": _trend,
    "steps": _steps,
    "level": _level,
}


def finding(told: Told) -> str:
    """Return the sentence."""
    if math.isnan(told.mean):
        return _capital(f"{told.words['value']}: no run of {told.words['of']} has a value")[:LONGEST]
    begin, end = _SENTENCES[told.test](told)
    if told.where and told.test != "steps":
        begin += f" at {told.where}"
    worst = f", the worst of {told.cells} {'steps' if told.test == 'steps' else 'cells'}" if told.cells > 1 else ""
    shorter = begin.replace(" of each other", "")
    whole = (begin + end + worst + _seeds(told), shorter + end + worst + _seeds(told))
    for text in (*whole, shorter + end + worst, shorter + end, shorter):
        if len(text) <= LONGEST:
            return _capital(text)
    return _capital(begin[: LONGEST - 1].rstrip() + "…")
