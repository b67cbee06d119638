"""One study on the page: question, answer, figures, claims, comparisons, arms, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchlab.report.cells import Row, count, link, rows_of, value
from batchlab.report.failures import failures_of
from batchlab.report.inline_figures import figure_of
from batchlab.report.limits import seeds_of
from batchlab.report.shown_claims import claims_of, in_words, levels, verdicts_of
from batchlab.report.wording import interval, spaced
from batchlab.tables.rounding import estimate, number


def study_of(study: Mapping[str, Any], folder: Path, numbers: Iterator[int]) -> dict[str, Any]:
    """Return what the template shows of one study.

    Args:
        study: Its settings with the paths of its files.
        folder: Folder of the page.
        numbers: Numbers of figures that are still free.

    Raises:
        BatchlabError: A figure or a table is missing.
    """
    name = study["study"]
    claims = claims_of(study.get("claims"), name)
    findings = {claim["name"]: claim["finding"] for claim in claims}
    figures = [
        figure_of(figure, name, folder, next(numbers), findings.get(figure.get("finding", ""), ""))
        for figure in study.get("figures", [])
    ]
    summary, arms = rows_of(study.get("summary")), rows_of(study.get("arms"))
    verdicts = verdicts_of(claims)
    return {
        "name": name,
        "title": study.get("title", name),
        "question": study.get("question", ""),
        "note": study.get("note", ""),
        "identity": study.get("identity", ""),
        "answer": study.get("answer", []),
        "verdicts": verdicts,
        "verdict": in_words(verdicts),
        "figures": figures,
        "known": {figure["name"]: figure["number"] for figure in figures},
        "claims": claims,
        "levels": levels(claims),
        "comparisons": _comparisons(study),
        "rows": arms,
        "arms": [_arm(row) for row in arms],
        "seeds": seeds_of(summary),
        "failures": failures_of(summary),
        "tables": [{"name": Path(path).name, "link": link(path, folder)} for path in study.get("tables", [])],
    }


def _comparisons(study: Mapping[str, Any]) -> list[dict[str, str]]:
    columns = study.get("columns", {})
    return [_comparison(row, columns.get(row.get("metric", ""), {})) for row in rows_of(study.get("comparisons"))]


def _comparison(row: Row, column: Mapping[str, Any]) -> dict[str, str]:
    """Return one comparison, differences of percentages in percentage points."""
    factor, unit = column.get("factor", 1.0), column.get("unit", "")
    unit = "pp" if unit == "%" else unit
    numbers = (factor * value(row, name) for name in ("difference", "ci_low", "ci_high"))
    difference, low, high = estimate(*numbers)
    return {
        "metric": column.get("title") or spaced(row.get("metric", "")),
        "arm": row.get("arm", ""),
        "reference": row.get("reference", ""),
        "difference": f"{difference} {unit}".strip(),
        "interval": interval(low, high),
        "n": str(count(row, "n")),
        "p": number(value(row, "p_holm"), 2),
        "effect": number(value(row, "effect_size"), 2),
        "verdict": row.get("verdict", ""),
    }


def _arm(row: Row) -> dict[str, str]:
    return {
        "arm": row.get("arm", ""),
        "label": row.get("label", ""),
        "model": row.get("model", ""),
        "optimizer": row.get("optimizer", ""),
        "rate": number(value(row, "learning_rate")),
        "phases": row.get("phases") or row.get("budget", ""),
    }
