"""Judge published claims by the tables of a study.

A claim is turned into one number per seed, the numbers into an estimate with its two-sided 95 % interval over seeds,
and the interval is compared with the region that the claim expects:

- supported: the interval lies inside the region;
- contradicted: it lies entirely outside;
- undetermined: it does neither, or there are fewer than two seeds, or a selected run diverged.

So a claim is never supported because a test found nothing, and five noisy seeds leave it open. A quantity that is the
same in every seed (a number of updates, say) has an interval of width zero and is decided by it.

| test       | estimate                                                | `less`  | `greater` | `equal`      |
|------------|---------------------------------------------------------|---------|-----------|--------------|
| level      | mean of the value                                       | < −m    | > m       | within ±m    |
| difference | mean of `of` − `minus`, paired by seed                  | < −m    | > m       | within ±m    |
| ratio      | mean of `of` / mean of `minus`, Fieller's interval      | < 1 − m | > 1 + m   | within 1 ± m |
| trend      | slope against log₂ batch size, one slope per seed       | < −m    | > m       | within ±m    |
| equal      | as difference                                           |         |           | within ±m    |

m is the claim's `margin` (0 if absent). `expect: {min, max}` names the region itself, ends included. `equal` is a test
of equivalence by inclusion of the interval (Schuirmann 1987; with 95 % intervals its level is 2.5 %). Margins and
regions are in the unit of the table; `unit: pp` or `%` multiplies only what is shown by 100.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchlab.errors import BatchlabError
from batchlab.tables import intervals
from batchlab.tables.intervals import Estimate
from batchlab.tables.joining import joined, names_of
from batchlab.tables.selection import require_column, select

AGGREGATES: dict[str, Callable[[pd.Series], float]] = {
    "mean": lambda values: float(values.mean()),
    "std": lambda values: float(values.std()),
    "max": lambda values: float(values.max()),
    "min": lambda values: float(values.min()),
    "median": lambda values: float(values.median()),
    "rms": lambda values: math.sqrt(float((values**2).mean())),
}
PAIRED = ("difference", "ratio", "equal")
TESTS = ("level", *PAIRED, "trend")
DISPLAY_FACTOR = {"pp": 100.0, "%": 100.0}

# Two deterministic quantities whose quotient is 1/2 on paper may miss it by rounding, of the tables' nine digits too.
_ROUNDING = 1e-8


@dataclass(frozen=True)
class Region:
    """Values that a claim expects: between `low` and `high`, ends included if `closed`."""

    low: float
    high: float
    closed: bool

    def verdict(self, ci_low: float, ci_high: float) -> str:
        """Return supported, contradicted or undetermined for an interval; NaN ends mean that there is none."""
        slack = _ROUNDING if self.closed else -_ROUNDING
        low = self.low - slack * abs(self.low) if math.isfinite(self.low) else self.low
        high = self.high + slack * abs(self.high) if math.isfinite(self.high) else self.high
        if self.closed:
            inside, outside = low <= ci_low and ci_high <= high, ci_high < low or ci_low > high
        else:
            inside, outside = low < ci_low and ci_high < high, ci_high <= low or ci_low >= high
        return "supported" if inside else "contradicted" if outside else "undetermined"

    def text(self, factor: float, unit: str) -> str:
        """Return the region as a person writes it, in the unit of the claim."""
        suffix = f" {unit}" if unit else ""
        low, high = f"{factor * self.low:.6g}{suffix}", f"{factor * self.high:.6g}{suffix}"
        if math.isinf(self.low):
            return f"{'≤' if self.closed else '<'} {high}"
        if math.isinf(self.high):
            return f"{'≥' if self.closed else '>'} {low}"
        return f"{low} to {high}"


def tables_needed(spec: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables that the claims of a study read, each once."""
    return list(dict.fromkeys(name for claim in spec["claims"].values() for name in names_of(claim["table"])))


def judge(spec: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Judge every claim of a study.

    Args:
        spec: `study` (name) and `claims`: name → `statement`, `source`, `published` (kept verbatim), `test`, `table`,
            `value` (column, derived ones included), `of` and, where two selections are compared, `minus` (filters),
            `expect` (less, greater, equal or {min, max}), and optionally `margin`, `aggregate` (how several rows of
            one seed become one value), `unit`, `figure`; `table` may be a list of tables, which are joined. Also
            `order`, the names in the order of the result, `tables` (see `reading_spec`) and `derived` (formulas).
        tables: Name → table, at least those of `tables_needed`.

    Returns:
        One row per claim in the order of the spec; measured value and interval are in the claim's unit.

    Raises:
        BatchlabError: A claim is incomplete, names an unknown column, or selects no row; the line names the claim.
    """
    return pd.DataFrame([_row(spec, name, tables) for name in spec["order"]], columns=spec["columns"])


def _row(spec: Mapping[str, Any], name: str, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    study, claim = spec["study"], spec["claims"][name]
    try:
        region = _region(claim)
        frame = joined(names_of(claim["table"]), tables, spec["tables"])
        estimate, notes, complete = _measure(claim, frame, spec["derived"])
    except BatchlabError as problem:
        raise BatchlabError(f"claim {name} of study {study}: {problem}") from None
    unit = claim.get("unit") or ""
    factor = DISPLAY_FACTOR.get(unit, 1.0)
    verdict = region.verdict(estimate.ci_low, estimate.ci_high) if complete else "undetermined"
    return {
        "claim": name,
        "statement": claim["statement"],
        "source": claim["source"],
        "published": claim["published"],
        "measured": factor * estimate.mean,
        "ci_low": factor * estimate.ci_low,
        "ci_high": factor * estimate.ci_high,
        "n": estimate.n,
        "verdict": verdict,
        "figure": claim.get("figure"),
        "study": study,
        "unit": unit,
        "test": claim["test"],
        "expected": region.text(factor, unit),
        "note": "; ".join(notes),
    }


def _region(claim: Mapping[str, Any]) -> Region:
    """Return the region in which the claim expects its estimate, in the unit of the table."""
    test = claim["test"]
    if test not in TESTS:
        raise BatchlabError(f"test {test!r} is not allowed; write {', '.join(TESTS)}")
    expect = claim.get("expect", "equal" if test == "equal" else None)
    if isinstance(expect, Mapping):
        return Region(float(expect.get("min", -math.inf)), float(expect.get("max", math.inf)), closed=True)
    if expect not in ("less", "greater", "equal") or (test == "equal" and expect != "equal"):
        allowed = "equal or a range {min, max}" if test == "equal" else "less, greater, equal or a range {min, max}"
        raise BatchlabError(f"expect {expect!r} is not allowed with test {test}; write {allowed}")
    if expect == "equal" and claim.get("margin") is None:
        raise BatchlabError("expect equal needs a margin: the largest difference that still counts as none")
    centre, margin = (1.0 if test == "ratio" else 0.0), float(claim.get("margin") or 0.0)
    if expect == "less":
        return Region(-math.inf, centre - margin, closed=False)
    if expect == "greater":
        return Region(centre + margin, math.inf, closed=False)
    return Region(centre - margin, centre + margin, closed=True)


def _measure(
    claim: Mapping[str, Any], frame: pd.DataFrame, derived: Mapping[str, str]
) -> tuple[Estimate, list[str], bool]:
    """Return the estimate, notes for the reader, and whether every selected run has a value."""
    if claim["test"] in PAIRED and not claim.get("minus"):
        raise BatchlabError(f"test {claim['test']} needs `minus`, the selection to compare with")
    sides = ("of", "minus") if claim["test"] in PAIRED else ("of",)
    selections = {side: _selection(claim, side, frame, derived) for side in sides}
    notes = [note for side in sides if (note := _missing(selections[side], claim["value"], side))]
    complete = not notes
    if claim["test"] == "trend":
        estimate = _trend(claim, selections["of"])
    elif claim["test"] == "level":
        estimate = intervals.mean_interval(_values(claim, "of", selections["of"], ["seed"]))
    else:
        both = [_values(claim, side, selections[side], ["seed"]).rename(side) for side in sides]
        paired = pd.concat(both, axis=1, join="inner")
        if unpaired := len(both[0].index.symmetric_difference(both[1].index)):
            notes.append(f"seeds in one selection only: {unpaired}")
        estimate = _contrast(claim["test"], paired["of"], paired["minus"])
    if estimate.n < 2:
        notes.append(f"n = {estimate.n}: no interval")
    elif math.isinf(estimate.ci_low):
        notes.append("the divisor cannot be told from 0: no bounded interval")
    elif estimate.ci_low == estimate.ci_high:
        notes.append("the same in every seed")
    return estimate, notes, complete


def _contrast(test: str, first: pd.Series, second: pd.Series) -> Estimate:
    if test == "ratio":
        return intervals.ratio_of_means(first, second)
    compared = intervals.paired_comparison(first, second)
    return Estimate(compared.difference, compared.std, compared.n, compared.ci_low, compared.ci_high)


def _selection(claim: Mapping[str, Any], side: str, frame: pd.DataFrame, derived: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows that one side of a claim is about; a table without seeds is one replicate."""
    rows = select(frame, claim[side], derived)
    require_column(rows, claim["value"], "value")
    if rows.empty:
        table = " with ".join(names_of(claim["table"]))
        raise BatchlabError(f"`{side}` {claim[side]} selects no row of table {table}; change the filter")
    return rows if "seed" in rows else rows.assign(seed=0)


def _missing(rows: pd.DataFrame, value: str, side: str) -> str:
    """Return a note about runs that diverged or have no value, or nothing."""
    runs = rows[[column for column in ("arm", "seed") if column in rows]]
    diverged = rows["status"].eq("diverged") if "status" in rows else pd.Series(False, index=rows.index)
    absent = ~np.isfinite(rows[value].astype(float)) & ~diverged
    notes = []
    if count := len(runs[diverged].drop_duplicates()):
        notes.append(f"diverged runs in `{side}`: {count}")
    if count := len(runs[absent].drop_duplicates()):
        notes.append(f"runs without a finite {value} in `{side}`: {count}")
    return ", ".join(notes)


def _values(claim: Mapping[str, Any], side: str, rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return one value per combination of `keys`, aggregated where the claim says how."""
    values = rows.groupby(keys)[claim["value"]]
    if (how := claim.get("aggregate")) is not None:
        if how not in AGGREGATES:
            raise BatchlabError(f"aggregate {how!r} is not allowed; write {', '.join(AGGREGATES)}")
        return values.apply(AGGREGATES[how]).astype(float)
    if (most := int(values.size().max())) > 1:
        raise BatchlabError(
            f"`{side}` {claim[side]} selects {most} rows for one {' and '.join(keys)}; narrow it, or say how to"
            f" aggregate: {', '.join(AGGREGATES)}"
        )
    return values.first(skipna=False).astype(float)


def _trend(claim: Mapping[str, Any], rows: pd.DataFrame) -> Estimate:
    """Return the slope against log₂ of the batch size, from the batch sizes of each seed."""
    require_column(rows, "batch_size", "test trend needs")
    if rows["batch_size"].nunique() < 2:
        raise BatchlabError(f"`of` {claim['of']} selects one batch size only; a trend needs at least two")
    by_size = _values(claim, "of", rows, ["seed", "batch_size"]).unstack("batch_size")
    return intervals.trend(by_size.columns.to_numpy(float), list(by_size.to_numpy(float)))
