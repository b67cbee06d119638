"""Judge the claims of a finished campaign a second time, from its CSV files alone.

`python tests/rejudge.py results/tour` reads tables and verdicts, and what each claim says from the record beside the
verdicts. It shares no code with the project: rows are chosen and joined in plain Python, intervals are SciPy's. The
rules are those of docs/verdicts.md. It lists numbers and verdicts that it finds otherwise, and fails if there are any.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

Row = dict[str, Any]

FACTORS = {"pp": 100.0, "%": 100.0}
AGGREGATES: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "std": lambda values: float(np.std(values, ddof=1)),
    "max": np.max,
    "min": np.min,
    "median": np.median,
    "rms": lambda values: math.sqrt(np.mean(np.square(values))),
    "range": np.ptp,
}
# Tables have nine significant digits; ends of intervals that cancel have fewer.
TOLERANCE = 1e-6


# Tables


def read(path: Path, text: Iterable[str] = ()) -> list[Row]:
    """Return the rows of a table: None where nothing stands, text of the columns in `text`, numbers otherwise."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _cell(value, name in set(text)) for name, value in row.items()} for row in csv.DictReader(file)]


def _cell(value: str, text: bool) -> Any:
    if value == "" or text:
        return value or None
    try:
        return float(value)
    except ValueError:
        return value


def joined(names: Sequence[str], tables: Mapping[str, list[Row]], keys: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return the rows of the first table, each with those of the others whose common keys are equal."""
    rows, known = tables[names[0]], list(keys[names[0]]) if len(names) > 1 else []
    for name in names[1:]:
        other = tables[name]
        shared = [key for key in known if key in keys[name]]
        if "probe" in shared and not {row["probe"] for row in rows} & {row["probe"] for row in other}:
            shared.remove("probe")
        places: dict[tuple[Any, ...], list[Row]] = {}
        for row in other:
            places.setdefault(_key(row, shared), []).append(row)
        rows = [{**match, **row} for row in rows for match in places.get(_key(row, shared), ())]
        known += [key for key in keys[name] if key not in known]
    return rows


def _key(row: Row, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(f"{row[name]:.8g}" if isinstance(row[name], float) else row[name] for name in names)


_FUNCTIONS = {"ceil": np.ceil, "round": np.round, "log": np.log, "sqrt": np.sqrt, "abs": np.abs}


def with_derived(rows: list[Row], formulas: Mapping[str, str]) -> list[Row]:
    """Return rows with the columns whose formulas they allow."""
    made = []
    for row in rows:
        names = {
            name: np.float64(math.nan if value is None else value) for name, value in row.items() if not _is_text(value)
        }
        new: Row = {}
        for name, formula in formulas.items():
            code = compile(formula, name, "eval")
            if name in row or not set(code.co_names) <= {*names, *_FUNCTIONS}:
                continue
            with np.errstate(all="ignore"):
                new[name] = float(eval(code, {"__builtins__": {}}, {**_FUNCTIONS, **names}))
        made.append({**row, **new})
    return made


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# Rows of a claim


def chosen(rows: list[Row], where: Mapping[str, Any]) -> list[Row]:
    """Return the rows that a filter names; `last` and `best` are decided before the other conditions."""
    conditions = dict(where)
    if conditions.get("seed") == "first":
        conditions["seed"] = min(row["seed"] for row in rows)
    if conditions.get("epoch") in ("last", "best"):
        rows = list(_moments(rows, conditions.pop("epoch")))
    return [row for row in rows if all(_fits(row[name], wanted) for name, wanted in conditions.items())]


def _run(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("study", "arm", "seed"))


def _moments(rows: list[Row], which: str) -> Iterator[Row]:
    for _, group in itertools.groupby(sorted(rows, key=lambda row: tuple(map(str, _run(row)))), key=_run):
        run = list(group)
        last = max(row["epoch"] for row in run)
        measured = [row for row in run if row.get("validation_loss") is not None]
        if which == "best" and measured:
            yield min(measured, key=lambda row: (row["validation_loss"], row["epoch"]))
        else:
            yield from (row for row in run if row["epoch"] == last)


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if value is None:
            return False
        slack = 1e-9 * abs(value)
        return wanted.get("min", -math.inf) - slack <= value <= wanted.get("max", math.inf) + slack
    if isinstance(wanted, list):
        return any(_fits(value, each) for each in wanted)
    if wanted is None or value is None:
        return wanted is value
    if isinstance(value, float) and isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return math.isclose(value, wanted, rel_tol=1e-8)
    return str(value).lower() == str(wanted).lower()


def by_seed(rows: list[Row], claim: Mapping[str, Any]) -> dict[float, float]:
    """Return one value for each seed; NaN for one with a value that is missing."""
    found: dict[float, list[float]] = {}
    for row in rows:
        found.setdefault(row.get("seed", 0.0), []).append(
            math.nan if row[claim["value"]] is None else row[claim["value"]]
        )
    how = AGGREGATES[claim["aggregate"]] if claim.get("aggregate") else None
    assert how or all(len(values) == 1 for values in found.values()), "several rows of a seed"
    if how is None:
        return {seed: values[0] for seed, values in found.items()}
    # A missing value is left out of an aggregate.
    kept = {seed: np.array([value for value in values if not math.isnan(value)]) for seed, values in found.items()}
    return {seed: float(how(values)) if len(values) else math.nan for seed, values in kept.items()}


# Estimates: (mean, low, high, n)

Estimate = tuple[float, float, float, int]


def of_mean(values: Sequence[float], confidence: float) -> Estimate:
    numbers = np.array([value for value in values if math.isfinite(value)])
    n = len(numbers)
    if n < 2:
        return float(numbers[0]) if n else math.nan, math.nan, math.nan, n
    if np.ptp(numbers) == 0:
        return (float(numbers[0]),) * 3 + (n,)
    low, high = stats.t.interval(confidence, n - 1, numbers.mean(), stats.sem(numbers))
    return float(numbers.mean()), float(low), float(high), n


def of_logarithms(values: Sequence[float], confidence: float) -> Estimate:
    numbers = np.array([value for value in values if math.isfinite(value)])
    if len(numbers) and np.ptp(numbers) <= 1e-14 * numbers.max():
        return of_mean([float(numbers[0])] * len(numbers), confidence)
    mean, low, high, n = of_mean(list(np.log(numbers)), confidence)
    return math.exp(mean), math.exp(low), math.exp(high), n


def of_quotient(above: np.ndarray, below: np.ndarray, confidence: float) -> Estimate:
    """Return the ratio of two means with the ρ at which a paired t test of above − ρ · below just rejects (Fieller)."""
    n, ratio = len(above), above.mean() / below.mean()
    if n < 2:
        return float(ratio), math.nan, math.nan, n
    t = stats.t.ppf(0.5 + confidence / 2, n - 1)
    v = np.cov(above, below) / n
    quadratic = [below.mean() ** 2 - t**2 * v[1, 1], -2 * (above.mean() * below.mean() - t**2 * v[0, 1])]
    quadratic.append(above.mean() ** 2 - t**2 * v[0, 0])
    if quadratic[0] <= 0:
        return float(ratio), -math.inf, math.inf, n
    low, high = sorted(np.real(np.roots(quadratic)))
    return float(ratio), float(low), float(high), n


def estimate(claim: Mapping[str, Any], sides: Mapping[str, list[Row]], positive: bool, confidence: float) -> Estimate:
    """Return the estimate of one cell."""
    first = by_seed(sides["of"], claim) if claim["test"] != "trend" else {}
    if claim["test"] == "trend":
        return of_mean(list(_slopes(claim, sides["of"])), confidence)
    if "minus" not in sides:
        numbers = [value for value in first.values() if math.isfinite(value)]
        geometric = claim["test"] == "level" and positive and all(value > 0 for value in numbers)
        return (of_logarithms if geometric else of_mean)(list(first.values()), confidence)
    second = by_seed(sides["minus"], claim)
    seeds = [seed for seed in first if seed in second and math.isfinite(first[seed]) and math.isfinite(second[seed])]
    a, b = (np.array([side[seed] for seed in seeds]) for side in (first, second))
    if claim["test"] == "ratio":
        every = [value for side in (first, second) for seed, value in side.items() if seed in first and seed in second]
        if positive and not any(value <= 0 for value in every):
            return of_logarithms(list(a / b), confidence)
        return of_quotient(a, b, confidence)
    apart = a - b
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    if len(apart) and np.ptp(apart) <= 1e-14 * scale:
        apart = np.full(len(apart), 0.0 if abs(apart[0]) <= 1e-14 * scale else apart[0])
    return of_mean(list(apart), confidence)


def _slopes(claim: Mapping[str, Any], rows: list[Row]) -> Iterator[float]:
    by_size = {
        size: by_seed([row for row in rows if row["batch_size"] == size], claim)
        for size in sorted({row["batch_size"] for row in rows})
    }
    for seed in sorted({seed for values in by_size.values() for seed in values}):
        values = [each.get(seed, math.nan) for each in by_size.values()]
        yield stats.linregress(np.log2(list(by_size)), values).slope if np.isfinite(values).all() else math.nan


# Verdicts


def region(claim: Mapping[str, Any]) -> tuple[float, float, bool]:
    """Return the ends of where an estimate is expected, and whether they belong to it."""
    expect = claim.get("expect", "equal")
    if isinstance(expect, Mapping):
        return expect.get("min", -math.inf), expect.get("max", math.inf), True
    none, margin = (1.0 if claim["test"] == "ratio" else 0.0), claim.get("margin") or 0.0
    if expect == "equal":
        return none - margin, none + margin, True
    return (-math.inf, none - margin, False) if expect == "less" else (none + margin, math.inf, False)


def verdict(low: float, high: float, expected: tuple[float, float, bool]) -> str:
    """Return what an interval says of a region; nine digits of rounding count for a closed one, against an open one."""
    least, most, closed = expected
    slack = 1e-8 if closed else -1e-8
    least = least - slack * abs(least) if math.isfinite(least) else least
    most = most + slack * abs(most) if math.isfinite(most) else most
    if math.isnan(low):
        return "undetermined"
    inside = least <= low and high <= most if closed else least < low and high < most
    outside = high < least or low > most if closed else high <= least or low >= most
    return "supported" if inside else "contradicted" if outside else "undetermined"


def judge(claim: Mapping[str, Any], rows: list[Row], spec: Mapping[str, Any], collapsed: set[tuple[Any, float]]) -> Row:
    """Return estimate, interval, n and verdict of a claim, in the unit of the table."""
    column = spec["values"].get(claim["value"], {})
    rows = with_derived(rows, spec["derived"])
    paired = claim["test"] in ("difference", "ratio", "equal")
    sides = {side: chosen(rows, claim[side]) for side in (("of", "minus") if paired else ("of",))}
    censored = any(_censored(claim, claim[side], picked, rows) for side, picked in sides.items())
    failed = False
    for side, picked in sides.items():
        lost = [
            not (column.get("exact") or column.get("clock")) and (row.get("arm"), row.get("seed", 0.0)) in collapsed
            for row in picked
        ]
        failed |= any(lost) or any(
            row.get("status") == "diverged" or row[claim["value"]] is None or not math.isfinite(row[claim["value"]])
            for row in picked
        )
        sides[side] = [
            {**row, claim["value"]: None} if gone or row.get("status") == "diverged" else row
            for row, gone in zip(picked, lost, strict=True)
        ]
    confidence = 1 - 0.05 / spec.get("looks", 1)
    cells = list(_cells(claim, sides))
    positive = bool(column.get("positive"))
    alone = [one_sided(claim, cell, column, estimate(claim, cell, positive, confidence)) for cell in cells]
    together = [
        one_sided(claim, cell, column, estimate(claim, cell, positive, 1 - (1 - confidence) / len(cells)))
        for cell in cells
    ]
    none = censored or (column.get("clock") and not column.get("replicated"))
    if none:
        alone = [(mean, math.nan, math.nan, n) for mean, _, _, n in alone]
    expected = region(claim)
    if failed:
        found = "undetermined"
    elif all(verdict(low, high, expected) == "supported" for _, low, high, _ in alone):
        found = "supported"
    elif not none and any(
        not math.isnan(own[1]) and verdict(low, high, expected) == "contradicted"
        for own, (_, low, high, _) in zip(alone, together, strict=True)
    ):
        found = "contradicted"
    else:
        found = "undetermined"
    mean, low, high, n = max(alone, key=lambda each: _badness(each, expected))
    if column.get("bounds") and claim["test"] not in ("ratio", "trend"):
        least, most = column["bounds"]
        least, most = (least, most) if claim["test"] == "level" else (least - most, most - least)
        low, high = (end if not math.isfinite(end) else min(max(end, least), most) for end in (low, high))
    judged = claim.get("standing", "evidence") != "not comparable"
    return {"measured": mean, "ci_low": low, "ci_high": high, "n": n, "verdict": found if judged else "not judged"}


def one_sided(
    claim: Mapping[str, Any], cell: Mapping[str, list[Row]], column: Mapping[str, Any], found: Estimate
) -> Estimate:
    """Return an estimate without those ends of its interval that say nothing of longer runs or a wider grid."""
    mean, low, high, n = found
    room = {side: {way for row in rows for way in ways(row, claim["value"], column)} for side, rows in cell.items()}
    turned = {"up": "down", "down": "up"}
    free = room["of"] | {turned[way] for way in room.get("minus", ())}
    if not free or math.isnan(low):
        return found
    if len(free) == 2 or claim["test"] == "trend" or claim.get("aggregate") in ("std", "range"):
        return mean, math.nan, math.nan, n
    if free == {"up"}:
        return mean, low, math.inf, n
    zero = column.get("positive") and claim["test"] in ("ratio", "level")
    return mean, 0.0 if zero else -math.inf, high, n


def ways(row: Row, value: str, column: Mapping[str, Any]) -> Iterator[str]:
    """Yield whether the value of a longer run, or of a better rate beyond the grid, may lie `up` or `down`."""
    if row[value] is None:
        return
    if column.get("censored") and row.get("reached") == 0:
        yield "up"
    where = {name: way for name, way in column.get("open_at", {}).items() if name in row}
    if not where and "grid_end" in row and not column.get("exact"):
        where = {"grid_end": {"higher": "above", "lower": "below"}.get(column.get("better", ""), "either")}
    for name, way in where.items():
        end = row[name] or ""
        if not end:
            continue
        if way in ("above", "either") or (way == "beyond" and end in ("high", "both")):
            yield "up"
        if way in ("below", "either") or (way == "beyond" and end in ("low", "both")):
            yield "down"


def _badness(of: Estimate, expected: tuple[float, float, bool]) -> tuple[int, float]:
    _, low, high, _ = of
    if math.isnan(low):
        return 1, -math.inf
    order = ("supported", "undetermined", "contradicted")
    beyond = [expected[0] - low if math.isfinite(expected[0]) else -math.inf]
    beyond += [high - expected[1] if math.isfinite(expected[1]) else -math.inf]
    return order.index(verdict(low, high, expected)), max(beyond)


def _cells(claim: Mapping[str, Any], sides: Mapping[str, list[Row]]) -> Iterator[dict[str, list[Row]]]:
    columns = claim.get("each") or ()
    for key in dict.fromkeys(tuple(row[name] for name in columns) for row in sides["of"]):
        cell = {
            side: [row for row in rows if tuple(row[name] for name in columns) == key] for side, rows in sides.items()
        }
        if claim["test"] != "steps":
            yield cell
            continue
        sizes = sorted({row["batch_size"] for row in cell["of"]})
        for smaller, larger in itertools.pairwise(sizes):
            yield {
                "of": [row for row in cell["of"] if row["batch_size"] == larger],
                "minus": [row for row in cell["of"] if row["batch_size"] == smaller],
            }


def _censored(claim: Mapping[str, Any], where: Mapping[str, Any], picked: list[Row], rows: list[Row]) -> bool:
    if where.get("epoch") != "best" or claim["value"] not in ("epoch", "updates", "examples", "seconds"):
        return False
    ends: dict[tuple[Any, ...], float] = {}
    for row in rows:
        ends[_run(row)] = max(row["epoch"], ends.get(_run(row), 0.0))
    return any(row["epoch"] >= ends[_run(row)] for row in picked)


# Campaigns


def collapsed_runs(arms: list[Row]) -> set[tuple[Any, float]]:
    """Return (arm, seed) of the runs that the table of arms lists as collapsed."""
    return {(row["arm"], float(seed)) for row in arms for seed in str(row.get("collapsed") or "").split()}


def rejudged(results: Path) -> Iterator[tuple[str, Row, Row]]:
    """Yield study.claim, the published row, and what is found here in its unit, for every claim of a campaign.

    Claims on tables that are not there, such as raw trials of published results, are left out.
    """
    for record in sorted(results.glob("claims/*.csv.provenance.json")):
        spec = json.loads(record.read_text(encoding="utf-8"))["spec"]
        study, claims = spec["study"], spec["claims"]
        needed = {name for claim in claims.values() for name in _names(claim)} | {"arms"}
        places = {path.stem: path for path in sorted(results.glob(f"*/{study}/*.csv")) if path.parts[-3] != "figures"}
        tables = {name: read(places[name], spec["tables"][name]["text"]) for name in needed if name in places}
        keys = {name: spec["tables"][name]["keys"] for name in tables}
        for row in read(record.with_name(record.name.removesuffix(".provenance.json"))):
            claim = claims[row["claim"]]
            if not tables.keys() >= {*_names(claim), "arms"}:
                continue
            frame = joined(_names(claim), tables, keys)
            found = judge(claim, frame, spec, collapsed_runs(tables["arms"]))
            factor = FACTORS.get(claim.get("unit") or "", 1.0)
            for name in ("measured", "ci_low", "ci_high"):
                found[name] *= factor
            yield f"{study}.{row['claim']}", row, found


def _names(claim: Mapping[str, Any]) -> list[str]:
    return [claim["table"]] if isinstance(claim["table"], str) else list(claim["table"])


def otherwise(row: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return what differs between a published row and what is found here, in words."""
    ends = [value for value in (row["ci_low"], row["ci_high"]) if value is not None and math.isfinite(value)]
    scale = max([abs(row["measured"] or 0.0), *map(abs, ends)])
    differ = [name for name in ("measured", "ci_low", "ci_high") if not _same(row[name], found[name], scale)]
    differ += [name for name in ("n", "verdict") if row[name] != found[name]]
    return [f"{name}: {row[name]} there, {found[name]} here" for name in differ]


def _same(there: float | None, here: float, scale: float) -> bool:
    if there is None or math.isnan(there):
        return math.isnan(here)
    return there == here or abs(there - here) <= TOLERANCE * scale


def main(folders: Sequence[str]) -> int:
    """Judge campaigns anew, list what differs, and return 1 if anything does."""
    wrong = 0
    for folder in folders:
        results = [(name, otherwise(row, found)) for name, row, found in rejudged(Path(folder))]
        for name, differ in results:
            for each in differ:
                print(f"{folder}: {name}: {each}")
        wrong += sum(bool(differ) for _, differ in results)
        print(f"{folder}: {len(results)} claims judged anew, {sum(not differ for _, differ in results)} as published")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
