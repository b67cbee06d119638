"""From rows of a table to the estimate that a claim is about, with everything that a reader must know of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from batchlab.declarations.claim import PAIRED
from batchlab.errors import BatchlabError
from batchlab.tables import intervals, open_ends
from batchlab.tables.intervals import Estimate
from batchlab.tables.joining import names_of
from batchlab.tables.regions import Region
from batchlab.tables.selection import require_column, select

AGGREGATES: dict[str, Callable[[pd.Series], float]] = {
    "mean": lambda values: float(values.mean()),
    "std": lambda values: float(values.std()),
    "max": lambda values: float(values.max()),
    "min": lambda values: float(values.min()),
    "median": lambda values: float(values.median()),
    "rms": lambda values: math.sqrt(float((values**2).mean())),
    "range": lambda values: float(values.max() - values.min()),
}
# How often the intervals of a claim may miss, at all looks together.
MISSED = 0.05
# With fewer seeds than this, single values say more than an interval that had to be cut or lacks runs.
_LISTED_BELOW = 5

Run = tuple[Any, int]


@dataclass(frozen=True)
class Measured:
    """What a claim measures.

    Attributes:
        estimate: In the unit of the table; of several cells, that of the worst.
        verdict: See `batchlab.tables.claims`.
        notes: For the reader.
        excluded: Number of runs that diverged, collapsed or have no value.
        names: `of` and `minus`: the labels of the selected arms, where there is one each.
        cell: What tells the worst cell from the others: column → value; for steps `batch_size` → (from, to).
        cells: Number of cells.
        listed: The values of single seeds where these say more than the interval, in the unit of the table.
        bound: `at least` or `at most` where the estimate is no more than that, see `open_ends`.
    """

    estimate: Estimate
    verdict: str
    notes: list[str]
    excluded: int
    names: Mapping[str, str]
    cell: Mapping[str, Any]
    cells: int
    listed: list[float]
    bound: str = ""


def measure(
    claim: Mapping[str, Any],
    frame: pd.DataFrame,
    derived: Mapping[str, str],
    region: Region,
    *,
    column: Mapping[str, Any],
    collapsed: set[Run],
    confidence: float = 1 - MISSED,
) -> Measured:
    """Measure a claim.

    Args:
        claim: Its settings.
        frame: Its table, or both joined.
        derived: Derived column → formula.
        region: Where the estimate is expected.
        column: What is declared of the value: `bounds`, `positive`, `censored`, `open_at`, `better`, `exact`,
            `clock`, `replicated`.
        collapsed: (arm, seed) of the runs that end at chance level.
        confidence: Of the interval.

    Raises:
        BatchlabError: The claim selects no row, several rows of a seed, or one batch size where it needs two.
    """
    sides = ("of", "minus") if claim["test"] in PAIRED else ("of",)
    selected = {side: _selection(claim, side, frame, derived) for side in sides}
    if not (column.get("exact") or column.get("clock")):
        selected = {side: _marked(rows, collapsed) for side, rows in selected.items()}
    called = {side: claim.get("words", {}).get(side) or f"`{side}`" for side in sides}
    missing = {side: _missing(rows, claim["value"], called[side]) for side, rows in selected.items()}
    notes = [note for each, _ in missing.values() for note in each]
    failed = bool(notes)
    if (note := _unequal_budgets(claim, selected)) is not None:
        notes.append(note)
    censored = [note for side, rows in selected.items() if (note := _censored(claim, side, rows, frame, called[side]))]
    notes += censored
    selected = {side: open_ends.marked(rows, claim["value"], column) for side, rows in selected.items()}
    notes += [note for side, rows in selected.items() for note in open_ends.notes(rows, column, called[side])]
    selected = {
        side: rows.assign(**{claim["value"]: rows[claim["value"]].mask(rows["_collapsed"] | _diverged(rows))})
        for side, rows in selected.items()
    }
    cells = [_cell(claim, of, sides, column, confidence) for of in _cells(claim, selected, confidence)]
    single = column.get("clock") and not column.get("replicated")
    if single:
        notes.append("times of one process on one machine: seeds do not replicate them, so there is no interval")
    if single or censored:
        cells = [replace(cell, estimate=_without_interval(cell.estimate)) for cell in cells]
    worst = max(cells, key=lambda cell: _badness(region, cell.estimate))
    verdict = _verdict(region, cells, incomplete=failed)
    estimate = worst.estimate
    cut = intervals.within(estimate, _bounds(claim["test"], column.get("bounds")))
    notes += worst.notes + _remarks(estimate, cut, column)
    if len(cells) > 1:
        notes.append(f"the worst of {len(cells)} cells is shown")
    return Measured(
        estimate=cut,
        verdict=verdict,
        notes=notes,
        excluded=sum(count for _, count in missing.values()),
        names={side: name for side, rows in selected.items() if (name := _label(rows))},
        cell=worst.key,
        cells=len(cells),
        listed=worst.values if (failed or cut != estimate) and len(worst.values) < _LISTED_BELOW else [],
        bound=worst.bound,
    )


# Selections


def _selection(claim: Mapping[str, Any], side: str, frame: pd.DataFrame, derived: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows that one side of a claim is about; a table without seeds is one replicate."""
    rows = select(frame, claim[side], derived)
    require_column(rows, claim["value"], "value")
    if rows.empty:
        table = " with ".join(names_of(claim["table"]))
        raise BatchlabError(f"`{side}` {claim[side]} selects no row of table {table}; change the filter")
    return (rows if "seed" in rows else rows.assign(seed=0)).assign(_collapsed=False)


def _marked(rows: pd.DataFrame, collapsed: set[Run]) -> pd.DataFrame:
    """Return rows with those of collapsed runs marked."""
    if not collapsed or "arm" not in rows:
        return rows
    runs = zip(rows["arm"], rows["seed"], strict=True)
    return rows.assign(_collapsed=[run in collapsed for run in runs])


def _label(rows: pd.DataFrame) -> str:
    labels = list(dict.fromkeys(rows["label"].dropna())) if "label" in rows else []
    return str(labels[0]) if len(labels) == 1 else ""


def _missing(rows: pd.DataFrame, value: str, called: str) -> tuple[list[str], int]:
    """Return notes about runs that diverged, collapsed or have no value, and their number."""
    runs = rows[[column for column in ("arm", "seed") if column in rows]]
    diverged = _diverged(rows)
    collapsed = rows["_collapsed"] & ~diverged
    absent = ~np.isfinite(rows[value].astype(float)) & ~diverged & ~collapsed
    notes, excluded = [], 0
    for which, what in (
        (diverged, "diverged runs"),
        (collapsed, "runs at chance level"),
        (absent, f"runs without a finite {value}"),
    ):
        if count := len(named := runs[which].drop_duplicates()):
            seeds = ", ".join(map(str, sorted(named["seed"].unique())))
            notes.append(f"{what} in {called}: {count} (seed {seeds})")
            excluded += count
    return notes, excluded


def _diverged(rows: pd.DataFrame) -> pd.Series:
    return rows["status"].eq("diverged") if "status" in rows else pd.Series(False, index=rows.index)


def _unequal_budgets(claim: Mapping[str, Any], selected: Mapping[str, pd.DataFrame]) -> str | None:
    """Return a note if ends of runs of different length in examples are compared."""
    if len(selected) < 2 or any(claim[side].get("epoch") != "last" for side in selected):
        return None
    epochs = {side: sorted(rows["epoch"].unique()) for side, rows in selected.items()}
    if epochs["of"] == epochs["minus"]:
        return None
    of, minus = (f"{max(values):,.6g}" for values in epochs.values())
    return f"unequal budgets: {of} against {minus} epochs"


def _censored(claim: Mapping[str, Any], side: str, rows: pd.DataFrame, frame: pd.DataFrame, called: str) -> str:
    """Return a note if the best epoch of some runs is their last: the true one may lie beyond."""
    if claim[side].get("epoch") != "best" or claim["value"] not in ("epoch", "updates", "examples", "seconds"):
        return ""
    runs = [column for column in ("study", "arm", "seed") if column in frame]
    last = rows.merge(frame.groupby(runs)["epoch"].max().rename("_last").reset_index(), on=runs)
    count = int((last["epoch"] >= last["_last"]).sum())
    return f"best at the last epoch in {called}: {count} of {len(last)} runs, so there is no interval" if count else ""


# Cells: one, or one for each value of the columns in `each`, or for each step of the batch size


@dataclass(frozen=True)
class _Cell:
    key: Mapping[str, Any]
    estimate: Estimate
    simultaneous: Estimate
    notes: list[str]
    values: list[float]
    bound: str


@dataclass(frozen=True)
class _Part:
    """The rows of one cell, and the share of the error that it may use where several are judged together."""

    key: Mapping[str, Any]
    rows: Mapping[str, pd.DataFrame]
    confidence: float


def _cells(claim: Mapping[str, Any], selected: Mapping[str, pd.DataFrame], confidence: float) -> list[_Part]:
    parts = list(_groups(claim.get("each", ()), selected))
    if claim["test"] == "steps":
        parts = [step for key, rows in parts for step in _steps(claim, key, rows["of"])]
    return [_Part(key, rows, 1 - (1 - confidence) / len(parts)) for key, rows in parts]


def _groups(
    columns: Sequence[str], selected: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[dict[str, Any], Mapping[str, pd.DataFrame]]]:
    if not columns:
        yield {}, selected
        return
    for name in columns:
        require_column(selected["of"], name, "each")
    for values, rows in selected["of"].groupby(list(columns), sort=True, dropna=False):
        key = dict(zip(columns, values if isinstance(values, tuple) else (values,), strict=True))
        cell = {"of": rows}
        if "minus" in selected:
            other = selected["minus"]
            for name, value in key.items():
                other = other[other[name] == value]
            if other.empty:
                raise BatchlabError(
                    f"`minus` has no row for {key}; take the column out of `each`, or change the filter"
                )
            cell["minus"] = other
        yield key, cell


def _steps(
    claim: Mapping[str, Any], key: Mapping[str, Any], rows: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], Mapping[str, pd.DataFrame]]]:
    """Yield each batch size against the next smaller one."""
    sizes = _sizes(claim, rows)
    for smaller, larger in pairwise(sizes):
        sides = {"of": rows[rows["batch_size"] == larger], "minus": rows[rows["batch_size"] == smaller]}
        yield {**key, "batch_size": (smaller, larger)}, sides


def _sizes(claim: Mapping[str, Any], rows: pd.DataFrame) -> list[int]:
    require_column(rows, "batch_size", f"test {claim['test']} needs")
    sizes = sorted(rows["batch_size"].unique())
    if len(sizes) < 2:
        raise BatchlabError(f"`of` {claim['of']} selects one batch size only; test {claim['test']} needs at least two")
    return sizes


def _cell(
    claim: Mapping[str, Any], part: _Part, sides: Sequence[str], column: Mapping[str, Any], confidence: float
) -> _Cell:
    notes: list[str] = []
    if claim["test"] == "trend":
        _sizes(claim, part.rows["of"])
        by_size = _values(claim, "of", part.rows["of"], ["seed", "batch_size"]).unstack("batch_size")
        first = pd.Series(
            [
                intervals.log2_slope(by_size.columns.to_numpy(float), row) if np.isfinite(row).all() else math.nan
                for row in by_size.to_numpy(float)
            ]
        )
        second = None
        if lacking := int(by_size.isna().any(axis=1).sum()):
            notes.append(f"seeds without a value at every batch size: {lacking}")
    else:
        both = [_values(claim, side, rows, ["seed"]).rename(side) for side, rows in part.rows.items()]
        paired = pd.concat(both, axis=1, join="inner")
        if len(both) > 1 and (unpaired := len(both[0].index.symmetric_difference(both[1].index))):
            notes.append(f"seeds in one selection only: {unpaired}")
        first, second = paired["of"], paired["minus"] if len(both) > 1 else None
    estimate, simultaneous = (
        _estimate(claim["test"], first, second, column, level) for level in (confidence, part.confidence)
    )
    above, below = open_ends.open_sides(part.rows)
    estimate, simultaneous = (
        open_ends.one_sided(claim, each, column, above=above, below=below) for each in (estimate, simultaneous)
    )
    bound = "at least" if above > below else "at most" if below > above else ""
    single = first if second is None else first / second if claim["test"] == "ratio" else first - second
    values = [float(value) for value in single[np.isfinite(single)]]
    return _Cell(part.key, estimate, simultaneous, notes, values, bound if not math.isnan(estimate.ci_low) else "")


def _estimate(
    test: str, first: pd.Series, second: pd.Series | None, column: Mapping[str, Any], confidence: float
) -> Estimate:
    if second is None:
        if test == "level" and column.get("positive") and not (first <= 0).any():
            return intervals.geometric_mean(first, confidence)
        return intervals.mean_interval(first, confidence)
    if test == "ratio":
        if column.get("positive") and not ((first <= 0).any() or (second <= 0).any()):
            return intervals.geometric_ratio(first, second, confidence)
        return intervals.ratio_of_means(first, second, confidence)
    compared = intervals.paired_comparison(first, second, confidence)
    return Estimate(compared.difference, compared.std, compared.n, compared.ci_low, compared.ci_high)


def _values(claim: Mapping[str, Any], side: str, rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return one value per combination of `keys`, aggregated where the claim says how."""
    values = rows.groupby(keys)[claim["value"]]
    if (how := claim.get("aggregate")) is not None:
        if how not in AGGREGATES:
            raise BatchlabError(f"aggregate {how!r} is not allowed; write {', '.join(AGGREGATES)}")
        return values.apply(AGGREGATES[how]).astype(float)
    if (most := int(values.size().max())) > 1:
        raise BatchlabError(
            f"`{side}` {claim.get(side, claim['of'])} selects {most} rows for one {' and '.join(keys)}; narrow it, or"
            f" say how to aggregate: {', '.join(AGGREGATES)}"
        )
    return values.first(skipna=False).astype(float)


# Judging


def _without_interval(estimate: Estimate) -> Estimate:
    return replace(estimate, ci_low=math.nan, ci_high=math.nan)


def _bounds(test: str, bounds: Sequence[float] | None) -> tuple[float, float] | None:
    """Return the range of an estimate of a bounded quantity; of a ratio or a slope there is none."""
    if not bounds or test in ("ratio", "trend"):
        return None
    low, high = bounds
    return (low, high) if test == "level" else (low - high, high - low)


def _badness(region: Region, estimate: Estimate) -> tuple[int, float]:
    """Return how far a cell is from supporting a claim; the largest is the worst."""
    severity = {"supported": 0, "undetermined": 1, "contradicted": 2}
    if math.isnan(estimate.ci_low):
        return severity["undetermined"], -math.inf
    below = region.low - estimate.ci_low if math.isfinite(region.low) else -math.inf
    above = estimate.ci_high - region.high if math.isfinite(region.high) else -math.inf
    beyond = max(below, above)
    return severity[region.verdict(estimate.ci_low, estimate.ci_high)], beyond


def _verdict(region: Region, cells: Sequence[_Cell], incomplete: bool) -> str:
    """Return the verdict on all cells.

    All intervals inside the region support the claim: an intersection-union test, whose level is that of each part
    (Berger 1982). One interval outside contradicts it, at the level that holds for all cells together (Bonferroni).
    """
    if incomplete:
        return "undetermined"
    if all(region.verdict(cell.estimate.ci_low, cell.estimate.ci_high) == "supported" for cell in cells):
        return "supported"
    outside = (
        region.verdict(cell.simultaneous.ci_low, cell.simultaneous.ci_high) == "contradicted"
        for cell in cells
        if not math.isnan(cell.estimate.ci_low)
    )
    return "contradicted" if any(outside) else "undetermined"


def _remarks(estimate: Estimate, cut: Estimate, column: Mapping[str, Any]) -> list[str]:
    """Return notes about the interval."""
    if estimate.n < 2:
        return [f"n = {estimate.n}: no interval"]
    if math.isinf(estimate.ci_low) and math.isinf(estimate.ci_high):
        return ["the divisor cannot be told from 0: no bounded interval"]
    if estimate.ci_low == estimate.ci_high:
        return ["the same in every seed"]
    return ["interval cut at the bounds of the quantity"] if cut != estimate and "bounds" in column else []
