"""The report page: every question with its figures, claims and verdicts, in one file that needs no network."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from batchlab.charts.export import scoped
from batchlab.errors import BatchlabError
from batchlab.report.template import TEMPLATE
from batchlab.tables.rounding import estimate, number

VERDICTS = ("supported", "contradicted", "undetermined")
_SETTINGS = {
    "datasets": "Data sets",
    "models": "Models",
    "optimizers": "Optimizers",
    "batch_sizes": "Batch sizes",
    "epochs": "Epochs",
    "seeds": "Seeds",
    "precision": "Precision",
}
_SHORT_COMMIT = 12
# What the records of segments and probes say, and how the page calls it.
_MADE_FROM = {
    "host": "Trained on",
    "device": "Device",
    "jit": "Compiled by XLA",
    "python": "Python",
    "packages": "Packages",
    "not_as_locked": "Not as in the lock",
    "commit": "Git commit",
    "dirty": "Uncommitted changes",
    "code": "Digests of code",
    "environment": "Digests of the environment",
}


def render(spec: Mapping[str, Any], page: str | Path) -> str:
    """Return the report of a campaign as HTML.

    Args:
        spec: `campaign`, `title`, `summary`, `studies` (each with `study`, `title`, `question`, `experiments`,
            `figures`, `tables` and the paths `claims`, `comparisons`, `arms`), `settings`, `provenance` (paths).
        page: Where the page will be; links are relative to its folder.

    Returns:
        One document with styles and figures inside; it loads nothing.

    Raises:
        BatchlabError: A figure or a table is missing.
    """
    folder = Path(page).parent
    numbers = iter(range(1, 10_000))
    studies = [_study(study, folder, numbers) for study in spec["studies"]]
    claims = [claim for study in studies for claim in study["claims"]]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE).render(
        campaign=spec["campaign"],
        title=spec["title"],
        summary=spec.get("summary", ""),
        studies=studies,
        verdicts=[(name, [claim for claim in claims if claim["verdict"] == name]) for name in VERDICTS],
        count=len(claims),
        settings=_settings(spec.get("settings", {})),
        provenance=provenance(spec.get("provenance", [])),
    )


def _study(study: Mapping[str, Any], folder: Path, numbers: Iterable[int]) -> dict[str, Any]:
    """Return what the template shows of one study."""
    claims = _claims(study.get("claims"), study["study"])
    counts = {name: sum(claim["verdict"] == name for claim in claims) for name in VERDICTS}
    figures = [_figure(figure, study["study"], folder, next(iter(numbers))) for figure in study.get("figures", [])]
    return {
        "name": study["study"],
        "title": study.get("title", study["study"]),
        "experiments": study.get("experiments", []),
        "question": study.get("question", ""),
        "note": study.get("note", ""),
        "identity": study.get("identity", ""),
        "verdict": ", ".join(f"{count} {name}" for name, count in counts.items() if count),
        "counts": counts,
        "figures": figures,
        "known": {figure["name"]: figure["number"] for figure in figures},
        "claims": claims,
        "comparisons": _comparisons(study.get("comparisons")),
        "arms": _arms(study.get("arms")),
        "tables": [{"name": Path(path).name, "link": _link(path, folder)} for path in study.get("tables", [])],
    }


def _link(path: str, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _figure(figure: Mapping[str, Any], study: str, folder: Path, number: int) -> dict[str, Any]:
    formats = (
        ("html", "interactive"),
        ("png", "PNG"),
        ("svg", "SVG"),
        ("vl_json", "Vega-Lite"),
        ("data", "numbers (CSV)"),
    )
    alternative = f"{figure.get('title', figure['name'])}. {figure.get('caption', '')}".strip()
    return {
        "name": figure["name"],
        "number": number,
        "anchor": f"{study}-{figure['name']}",
        "caption": figure.get("caption", ""),
        "title": figure.get("title", ""),
        "svg": inline_svg(figure["svg"], f"{study}-{figure['name']}", alternative),
        "links": [(words, _link(figure[key], folder)) for key, words in formats if figure.get(key)],
    }


def inline_svg(path: str | Path, scope: str, alternative: str) -> Markup:
    """Return an SVG file as an element of a page, with ids of its own and words for screen readers.

    Args:
        path: The SVG file, as this project draws it.
        scope: Prefix of its ids, unique on the page.
        alternative: What the figure shows, in words.

    Raises:
        BatchlabError: The file is missing or no SVG.
    """

    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BatchlabError(f"{path}: the figure is missing; draw it first") from None
    start = re.search(r"<svg\b[^>]*>", text)
    if start is None:
        raise BatchlabError(f"{path}: not an SVG file; delete it and draw the figure again")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', start[0])
    width = float(size[1]) if size else 640.0
    # Vega describes every mark; the alternative text below says it once.
    body = re.sub(r'\s(?:role|aria-[a-z]+)="[^"]*"', "", text[start.end() :])
    opening = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" viewBox="{}" style="width:{}px">'
    )
    box = size[0].split('"')[1] if size else "0 0 640 400"
    return opening.format(alternative, box, f"{width:g}") + Markup(scoped(body, re.sub(r"[^A-Za-z0-9_-]", "-", scope)))


def _rows(path: str | None) -> list[dict[str, str]]:
    """Return the rows of a table as text."""
    if not path:
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise BatchlabError(f"{path}: no such table; run the step that writes it first") from None


def _number(row: Mapping[str, str], column: str) -> float:
    """Return a cell as a number, NaN if it is empty."""
    return float(row.get(column) or "nan")


def _claims(path: str | None, study: str) -> list[dict[str, Any]]:
    claims = []
    for row in _rows(path):
        unit = row.get("unit", "")
        measured, low, high = estimate(*(_number(row, column) for column in ("measured", "ci_low", "ci_high")))
        claims.append(
            {
                "name": row["claim"],
                "anchor": f"{study}-claim-{row['claim']}",
                "statement": row["statement"],
                "source": row.get("source", ""),
                "published": row.get("published", ""),
                "measured": f"{measured} {unit}".strip() if measured != "–" else "–",
                "interval": _interval(low, high),
                "expected": row.get("expected", ""),
                "note": row.get("note", ""),
                "n": _count(row),
                "verdict": row.get("verdict") or "undetermined",
                "figure": row.get("figure", ""),
            }
        )
    return claims


def _count(row: Mapping[str, str]) -> str:
    count = _number(row, "n")
    return str(int(count)) if math.isfinite(count) else "–"


def _interval(low: str, high: str) -> str:
    """Return the ends of an interval in words, or a dash where there is none or it has no end."""
    return "–" if "–" in (low, high) else f"{low} to {high}"


def _comparisons(path: str | None) -> list[dict[str, str]]:
    compared = []
    for row in _rows(path):
        difference, low, high = estimate(*(_number(row, column) for column in ("difference", "ci_low", "ci_high")))
        compared.append(
            {
                "metric": row.get("metric", "").replace("_", " "),
                "arm": row.get("arm", ""),
                "reference": row.get("reference", ""),
                "difference": difference,
                "interval": _interval(low, high),
                "n": _count(row),
                "p": number(_number(row, "p_holm"), 2),
                "effect": number(_number(row, "effect_size"), 2),
                "verdict": row.get("verdict", ""),
            }
        )
    return compared


def _arms(path: str | None) -> list[dict[str, str]]:
    return [
        {
            "arm": row.get("arm", ""),
            "label": row.get("label", ""),
            "model": row.get("model", ""),
            "optimizer": row.get("optimizer", ""),
            "rate": number(_number(row, "learning_rate")),
            "phases": row.get("phases") or row.get("budget", ""),
        }
        for row in _rows(path)
    ]


def words(value: Any) -> str:
    """Return a setting of the campaign in words: `{a: 1, b: [2, 3]}` → `a 1, b 2 3`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {words(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(words(item) for item in value)
    return str(value)


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return name → lines; a mapping of mappings has one line per entry."""
    shown = []
    for key, value in settings.items():
        nested = isinstance(value, Mapping) and any(isinstance(item, Mapping) for item in value.values())
        lines = [f"{name}: {words(item)}" for name, item in value.items()] if nested else [words(value)]
        shown.append((_SETTINGS.get(key, key.replace("_", " ").capitalize()), lines))
    return shown


def provenance(paths: Sequence[str | Path]) -> list[tuple[str, str]]:
    """Return what the provenance records of the results say together: name → distinct values.

    Times are left out, so that the same results give the same page. Records that do not exist are skipped: results that
    were copied without them can still be reported.

    Args:
        paths: Records of the studies' tables; their `made_from` sums up those of segments and probes.
    """
    merged: dict[str, set[str]] = {}
    for path in paths:
        if Path(path).is_file():
            for key, values in json.loads(Path(path).read_text(encoding="utf-8")).get("made_from", {}).items():
                merged.setdefault(key, set()).update(map(str, values))
    if "commit" in merged:
        merged["commit"] = {commit[:_SHORT_COMMIT] for commit in merged["commit"]}
    return [(title, ", ".join(sorted(merged[key]))) for key, title in _MADE_FROM.items() if merged.get(key)]


__all__ = ["inline_svg", "provenance", "render", "words"]
