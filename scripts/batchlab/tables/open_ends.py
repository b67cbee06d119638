"""Values that are bounds of what a longer run or a wider grid of rates would have shown.

A run that ended before its target would have taken more updates. A rate that is the highest of those that were tried
may not be the best one, and what it reached is no better than what the tuned rate reaches. Of an estimate made of such
values one end of the interval holds, or none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from batchlab.declarations.claim import AT_END
from batchlab.tables.intervals import Estimate

# Marks of rows: the true value may lie above, or below, what was seen.
_ABOVE, _BELOW = "_above", "_below"
# The column that says of a tuned rate at which end of the rates it lies.
GRID_END = "grid_end"
_BETTER = {"higher": "above", "lower": "below", "": "either"}
_ALSO = {"above": ("above", "either"), "below": ("below", "either")}
_HIGH, _LOW = ("high", "both"), ("low", "both")


def marked(rows: pd.DataFrame, value: str, column: Mapping[str, Any]) -> pd.DataFrame:
    """Return rows with marks of those whose value is a bound.

    A row without a value is of no run, as that of a rule whose rate was not trained, and bounds nothing.

    Args:
        rows: Of a table with the column `reached`, or columns that say which rows lie at an end of a grid.
        value: The column that a claim is about.
        column: What is declared of it: `censored`, `open_at`, `better`, `exact`.
    """
    above = below = pd.Series(False, index=rows.index)
    if column.get("censored") and "reached" in rows:
        above = rows["reached"].eq(0)
    for name, where in _open_at(rows, column).items():
        end = rows[name].fillna("").astype(str)
        if where == "beyond":
            above, below = above | end.isin(_HIGH), below | end.isin(_LOW)
            continue
        above = above | end.ne("") if where in _ALSO["above"] else above
        below = below | end.ne("") if where in _ALSO["below"] else below
    there = rows[value].notna()
    return rows.assign(**{_ABOVE: above & there, _BELOW: below & there})


def _open_at(rows: pd.DataFrame, column: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of a table that make a value a bound; of what a tuned run reaches, its better side is open."""
    declared = {name: where for name, where in column.get("open_at", {}).items() if name in rows}
    if declared or GRID_END not in rows or column.get("exact"):
        return declared
    return {GRID_END: _BETTER[column.get("better", "")]}


def notes(rows: pd.DataFrame, column: Mapping[str, Any], called: str) -> list[str]:
    """Return what a reader must know of marked rows.

    Args:
        rows: What `marked` returns.
        column: As there.
        called: What the rows are, in words.
    """
    bounds = rows[_ABOVE] | rows[_BELOW]
    ended = bounds & rows["reached"].eq(0) if column.get("censored") and "reached" in rows else bounds & False
    at_ends = bounds & pd.concat(
        [ended & False, *(rows[name].fillna("").astype(str).ne("") for name in _open_at(rows, column))], axis=1
    ).any(axis=1)
    told = []
    if count := int(ended.sum()):
        told.append(f"only a lower bound in {called}: {count} of {len(rows)} values, whose runs end before")
    if count := int(at_ends.sum()):
        told.append(f"{AT_END} in {called}: {count} of {len(rows)} values, so a bound at best")
    return told


def open_sides(sides: Mapping[str, pd.DataFrame]) -> tuple[bool, bool]:
    """Return whether what is compared may lie above, and below, what was seen.

    Args:
        sides: `of` and perhaps `minus`, with marks: more of `minus` is less of their difference or ratio.
    """
    of, minus = sides["of"], sides.get("minus")
    above, below = bool(of[_ABOVE].any()), bool(of[_BELOW].any())
    if minus is None:
        return above, below
    return above or bool(minus[_BELOW].any()), below or bool(minus[_ABOVE].any())


def one_sided(
    claim: Mapping[str, Any], estimate: Estimate, column: Mapping[str, Any], *, above: bool, below: bool
) -> Estimate:
    """Return the estimate with the end of its interval that bounds support.

    Where the truth can only lie above what was seen, its mean lies above that of what was seen, so that the lower end
    holds, and the other way round. A slope or a spread of bounds has no end that holds.
    """
    if not (above or below):
        return estimate
    if (above and below) or claim["test"] == "trend" or claim.get("aggregate") in ("std", "range"):
        return replace(estimate, ci_low=math.nan, ci_high=math.nan)
    if math.isnan(estimate.ci_low):
        return estimate
    if above:
        return replace(estimate, ci_high=math.inf)
    least = 0.0 if claim["test"] in ("ratio", "level") and column.get("positive") else -math.inf
    return replace(estimate, ci_low=least)
