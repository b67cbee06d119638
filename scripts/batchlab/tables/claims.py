"""Judge published claims by the tables of a study.

A claim is turned into one number per seed, the numbers into an estimate with its two-sided 95 % interval over seeds,
and the interval is compared with the region that the claim expects. Where k looks are planned, between which seeds are
added, the interval of each has the level 1 − 0.05 / k, so that all of them together miss as seldom as one (Bonferroni):

- supported: the interval lies inside the region;
- contradicted: it lies entirely outside;
- undetermined: it does neither, or there are fewer than two seeds, or a selected run diverged.

So a claim is never supported because a test found nothing, and five noisy seeds leave it open. A quantity that is the
same in every seed (a number of updates, say) has an interval of width zero and is decided by it.

| test       | estimate                                                | `less`  | `greater` | `equal`      |
|------------|---------------------------------------------------------|---------|-----------|--------------|
| level      | mean of the value; of a positive quantity, geometric    | < −m    | > m       | within ±m    |
| difference | mean of `of` − `minus`, paired by seed                  | < −m    | > m       | within ±m    |
| ratio      | `of` / `minus`; of positive quantities, geometric mean  | < 1 − m | > 1 + m   | within 1 ± m |
| trend      | slope against log₂ batch size, one slope per seed       | < −m    | > m       | within ±m    |
| equal      | as difference                                           |         |           | within ±m    |

m is the claim's `margin` (0 if absent). `expect: {min, max}` names the region itself, ends included. `equal` is a test
of equivalence by inclusion of the interval (Schuirmann 1987; with 95 % intervals its level is 2.5 %). Margins and
regions are in the unit of the table; `unit: pp` or `%` multiplies only what is shown by 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from batchlab.declarations.claim import EVIDENCE, NOT_COMPARABLE
from batchlab.errors import BatchlabError
from batchlab.tables import regions, rounding
from batchlab.tables.chance import collapsed_runs
from batchlab.tables.estimates import MISSED, Measured, measure
from batchlab.tables.findings import Told, finding
from batchlab.tables.joining import joined, names_of

DISPLAY_FACTOR = {"pp": 100.0, "%": 100.0}
# The table that lists the runs which collapsed.
_ARMS = "arms"


def tables_needed(spec: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables that the claims of a study read, each once, and the list of its arms."""
    named = (name for claim in spec["claims"].values() for name in names_of(claim["table"]))
    return list(dict.fromkeys((*named, _ARMS))) if spec["claims"] else []


def judge(spec: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Judge every claim of a study.

    Args:
        spec: `study` (name) and `claims`: name → `statement`, `source`, `sources`, `published` (kept verbatim), `test`,
            `table`, `value` (column, derived ones included), `of` and, where two selections are compared, `minus`
            (filters), `expect` (less, greater, equal or {min, max}), and optionally `margin`, `aggregate` (how several
            rows of one seed become one value), `each`, `unit`, `figure`, `published_value`, `standing`, `because`,
            `words`; `table` may be a list of tables, which are joined. Also `order`, the names in the order of the
            result, `looks` (how many are planned), `tables` (see `reading_spec`), `derived` (formulas), `values` and
            `cells` (what is declared of the columns in `value` and `each`), and `one_example` (column → the share of
            one example).
        tables: Name → table, at least those of `tables_needed`.

    Returns:
        One row per claim in the order of the spec; measured value and interval are in the claim's unit.

    Raises:
        BatchlabError: A claim is incomplete, names an unknown column, or selects no row; the line names the claim.
    """
    collapsed = collapsed_runs(tables[_ARMS]) if _ARMS in tables else set()
    confidence = 1 - MISSED / spec["looks"]
    rows = []
    for name in spec["order"]:
        claim = spec["claims"][name]
        column = spec["values"].get(claim["value"], {})
        try:
            regions.check(claim)
            frame = joined(names_of(claim["table"]), tables, spec["tables"])
            region = regions.expected(claim)
            measured = measure(
                *(claim, frame, spec["derived"], region), column=column, collapsed=collapsed, confidence=confidence
            )
            row = {"claim": name, "study": spec["study"], "confidence": confidence}
            rows.append(row | _row(claim, measured, region, spec))
        except BatchlabError as problem:
            raise BatchlabError(f"claim {name} of study {spec['study']}: {problem}") from None
    return pd.DataFrame(rows, columns=spec["columns"])


def _row(
    claim: Mapping[str, Any], measured: Measured, region: regions.Region, spec: Mapping[str, Any]
) -> dict[str, Any]:
    estimate, standing = measured.estimate, claim.get("standing", EVIDENCE)
    judged = standing != NOT_COMPARABLE
    unit = claim.get("unit") or ""
    factor = DISPLAY_FACTOR.get(unit, 1.0)
    mean, low, high = (factor * value for value in (estimate.mean, estimate.ci_low, estimate.ci_high))
    direction = regions.direction(claim, estimate.ci_low, estimate.ci_high)
    told = Told(
        test=claim["test"],
        direction=direction,
        mean=mean,
        ci_low=low,
        ci_high=high,
        n=estimate.n,
        excluded=measured.excluded,
        unit=_unit(claim, spec["values"].get(claim["value"], {})),
        within=_within(claim, factor, unit),
        words=_words(claim, measured, spec),
        where=_where(measured, spec),
        cells=measured.cells,
        ends=claim["of"].get("epoch") == "last",
        bound=measured.bound,
    )
    return {
        "statement": claim["statement"],
        "source": claim["source"],
        "published": claim["published"],
        "measured": mean,
        "ci_low": low,
        "ci_high": high,
        "n": estimate.n,
        "verdict": measured.verdict if judged else "not judged",
        "figure": claim.get("figure"),
        "unit": unit,
        "test": claim["test"],
        "expected": region.text(factor, unit),
        "note": "; ".join([*measured.notes, *_single_seeds(measured, factor), *_resolution(claim, spec)]),
        "standing": standing,
        "direction": direction,
        "size": regions.size(claim, estimate.ci_low, estimate.ci_high) if judged else "",
        "finding": finding(told),
        "excluded": measured.excluded,
        "sources": " ".join(claim.get("sources", ())),
        "because": claim.get("because", ""),
    }


def _single_seeds(measured: Measured, factor: float) -> list[str]:
    shown = [f"{factor * value:.4g}".replace("-", "−") for value in measured.listed]
    return [f"single seeds: {', '.join(shown)}"] if shown else []


def _resolution(claim: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    """Return a note where the margin is finer than the value can be: one example is a larger step."""
    step, margin = spec["one_example"].get(claim["value"]), claim.get("margin")
    if not step or not margin or margin >= step:
        return []
    return [f"the margin of {100 * margin:.3g} pp is below one example, {100 * step:.2g} pp"]


# What the finding is made of


def _unit(claim: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """Return the unit of the shown numbers: the claim's, or of a value that is shown as it is, the column's."""
    if claim["test"] == "ratio":
        return ""
    return claim.get("unit") or ("" if "factor" in column else column.get("unit", ""))


def _within(claim: Mapping[str, Any], factor: float, unit: str) -> str:
    """Return what counts as no effect, in words; nothing where it is one number."""
    region = regions.no_effect(claim)
    if region.low == region.high:
        return ""
    if claim["test"] == "ratio":
        return region.text(1.0, "")
    return f"{rounding.number(factor * region.high)}{f' {unit}' if unit else ''}"


def _words(claim: Mapping[str, Any], measured: Measured, spec: Mapping[str, Any]) -> dict[str, str]:
    """Return what the finding calls selections and value: the claim's own words, or labels of arms and the title."""
    words = {"value": spec["values"].get(claim["value"], {}).get("title") or claim["value"].replace("_", " ")}
    for side in ("of", "minus"):
        named = (f"{key} {value}".replace("_", " ") for key, value in (claim.get(side) or {}).items() if key != "epoch")
        words[side] = measured.names.get(side) or ", ".join(named) or "the run"
    return {**words, **claim.get("words", {})}


def _where(measured: Measured, spec: Mapping[str, Any]) -> str:
    """Return which cell is the worst, in words; of a step, from which batch size to which."""
    parts: list[str] = []
    for name, value in measured.cell.items():
        column = spec["cells"].get(name, {})
        sign = column.get("sign", f"{name.replace('_', ' ')} ")
        if isinstance(value, tuple):
            parts.insert(0, f"from {sign}{value[0]:,} to {value[1]:,}")
        elif isinstance(value, str):
            parts.append(column.get("words", {}).get(value, value))
        else:
            parts.append(f"{sign}{value:,.6g}")
    return ", ".join(parts)
