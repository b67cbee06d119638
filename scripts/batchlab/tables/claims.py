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

from batchlab.declarations.claim import EVIDENCE, NOT_COMPARABLE, TESTS
from batchlab.errors import BatchlabError
from batchlab.tables import intervals, regions, rounding
from batchlab.tables.findings import Told, finding
from batchlab.tables.intervals import Estimate
from batchlab.tables.joining import joined, names_of
from batchlab.tables.regions import expected
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
DISPLAY_FACTOR = {"pp": 100.0, "%": 100.0}


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
        _check(claim)
        region, frame = expected(claim), joined(names_of(claim["table"]), tables, spec["tables"])
        measured = _measure(claim, frame, spec["derived"])
        size = regions.size(claim, measured.estimate.ci_low, measured.estimate.ci_high)
    except BatchlabError as problem:
        raise BatchlabError(f"claim {name} of study {study}: {problem}") from None
    estimate, standing = measured.estimate, claim.get("standing", EVIDENCE)
    unit = claim.get("unit") or ""
    factor = DISPLAY_FACTOR.get(unit, 1.0)
    verdict = region.verdict(estimate.ci_low, estimate.ci_high) if measured.complete else "undetermined"
    direction = regions.direction(claim, estimate.ci_low, estimate.ci_high)
    told = Told(
        test=claim["test"],
        direction=direction,
        mean=factor * estimate.mean,
        ci_low=factor * estimate.ci_low,
        ci_high=factor * estimate.ci_high,
        n=estimate.n,
        excluded=measured.excluded,
        unit=_unit(claim, spec["values"].get(claim["value"], {})),
        within=_within(claim, factor, unit),
        words=_words(claim, measured.selections, spec["values"].get(claim["value"], {})),
        ends=claim["of"].get("epoch") == "last",
    )
    return {
        "claim": name,
        "statement": claim["statement"],
        "source": claim["source"],
        "published": claim["published"],
        "measured": factor * estimate.mean,
        "ci_low": factor * estimate.ci_low,
        "ci_high": factor * estimate.ci_high,
        "n": estimate.n,
        "verdict": "not judged" if standing == NOT_COMPARABLE else verdict,
        "figure": claim.get("figure"),
        "study": study,
        "unit": unit,
        "test": claim["test"],
        "expected": region.text(factor, unit),
        "note": "; ".join(measured.notes),
        "standing": standing,
        "direction": direction,
        "size": size,
        "finding": finding(told),
        "excluded": measured.excluded,
        "sources": " ".join(claim.get("sources", ())),
        "because": claim.get("because", ""),
    }


def _check(claim: Mapping[str, Any]) -> None:
    if (test := claim["test"]) not in TESTS:
        raise BatchlabError(f"test {test!r} is not allowed; write {', '.join(TESTS)}")
    if test in PAIRED and not claim.get("minus"):
        raise BatchlabError(f"test {test} needs `minus`, the selection to compare with")


# What the finding is made of


def _unit(claim: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """Return the unit of the shown numbers: the claim's, or of a value that is shown as it is, the column's."""
    return (
        "" if claim["test"] == "ratio" else claim.get("unit") or ("" if "factor" in column else column.get("unit", ""))
    )


def _within(claim: Mapping[str, Any], factor: float, unit: str) -> str:
    """Return what counts as no effect, in words."""
    region = regions.no_effect(claim)
    if claim["test"] == "ratio":
        return region.text(1.0, "")
    return f"{rounding.number(factor * region.high)}{f' {unit}' if unit else ''}"


def _words(
    claim: Mapping[str, Any], selections: Mapping[str, pd.DataFrame], column: Mapping[str, Any]
) -> dict[str, str]:
    """Return what the finding calls selections and value: the claim's own words, or labels of arms and the title."""
    words = {"value": column.get("title") or claim["value"].replace("_", " ")}
    for side, rows in selections.items():
        labels = list(dict.fromkeys(rows["label"])) if "label" in rows else []
        named = ", ".join(f"{key} {value}".replace("_", " ") for key, value in claim[side].items() if key != "epoch")
        words[side] = labels[0] if len(labels) == 1 else named or "the run"
    return {**words, **claim.get("words", {})}


# What is measured


@dataclass(frozen=True)
class Measured:
    """The estimate of a claim.

    Attributes:
        estimate: In the unit of the table.
        notes: For the reader.
        complete: Whether every selected run has a value.
        excluded: Number of runs that have none.
        selections: The rows of each side.
    """

    estimate: Estimate
    notes: list[str]
    complete: bool
    excluded: int
    selections: Mapping[str, pd.DataFrame]


def _measure(claim: Mapping[str, Any], frame: pd.DataFrame, derived: Mapping[str, str]) -> Measured:
    sides = ("of", "minus") if claim["test"] in PAIRED else ("of",)
    selections = {side: _selection(claim, side, frame, derived) for side in sides}
    missing = [_missing(selections[side], claim["value"], side) for side in sides]
    notes = [note for note, _ in missing if note]
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
    return Measured(estimate, notes, complete, sum(count for _, count in missing), selections)


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


def _missing(rows: pd.DataFrame, value: str, side: str) -> tuple[str, int]:
    """Return a note about runs that diverged or have no value, or nothing, and their number."""
    runs = rows[[column for column in ("arm", "seed") if column in rows]]
    diverged = rows["status"].eq("diverged") if "status" in rows else pd.Series(False, index=rows.index)
    absent = ~np.isfinite(rows[value].astype(float)) & ~diverged
    notes, excluded = [], 0
    if count := len(runs[diverged].drop_duplicates()):
        notes.append(f"diverged runs in `{side}`: {count}")
        excluded += count
    if count := len(runs[absent].drop_duplicates()):
        notes.append(f"runs without a finite {value} in `{side}`: {count}")
        excluded += count
    return ", ".join(notes), excluded


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
