"""Figures on the page: the drawing inside it, words for who cannot see it, and links to its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from batchlab.charts.export import scoped
from batchlab.errors import BatchlabError
from batchlab.report.cells import Row, link, rows_of, value
from batchlab.report.wording import spaced, told

FORMATS = (
    ("html", "interactive"),
    ("png", "PNG"),
    ("svg", "SVG"),
    ("pdf", "PDF"),
    ("vl_json", "Vega-Lite"),
    ("data", "numbers (CSV)"),
)
# Columns of a figure's table that hold statistics; the others say of what.
_STATISTICS = {"mark", "column", "mean", "low", "high", "predicted", "n", "value", "seed", "status"}


def figure_of(figure: Mapping[str, Any], study: str, folder: Path, number: int, finding: str) -> dict[str, Any]:
    """Return what the template shows of one figure.

    Args:
        figure: Its settings with the paths of its files.
        study: Name of its study.
        folder: Folder of the page.
        number: Its number on the page.
        finding: What this campaign found, if the figure shows that; else nothing.
    """
    anchor = f"{study}-{figure['name']}"
    title = figure.get("title") or spaced(figure["name"])
    in_words = alternative(figure.get("data"), title, finding)
    drawing, width, height = inline_svg(figure["svg"], anchor, in_words)
    files = {key: link(figure[key], folder) for key, _ in FORMATS if figure.get(key)}
    return {
        "name": figure["name"],
        "study": study,
        "number": number,
        "anchor": anchor,
        "title": title,
        "finding": finding,
        "heading": finding or title,
        "caption": figure.get("caption", ""),
        "svg": drawing,
        "file": figure["svg"],
        "alternative": in_words,
        "width": width,
        "height": height,
        "page": files.get("html", ""),
        "links": [(words, files[key]) for key, words in FORMATS if key in files],
    }


def alternative(data: str | None, title: str, finding: str) -> str:
    """Return what a figure shows, in words: finding, title, and the first and the last number of its table.

    Args:
        data: The figure's table; None or a table without means gives no numbers.
        title: Its neutral title.
        finding: What this campaign found, or nothing.
    """
    sentences = [finding, title] if finding else [title]
    rows = [row for row in rows_of(data) if row.get("mean")] if data and Path(data).is_file() else []
    if rows:
        sentences.append(f"The first number is {_number(rows[0])}")
        if len(rows) > 1:
            sentences.append(f"The last of {len(rows):,} is {_number(rows[-1])}")
    return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences)


def _number(row: Row) -> str:
    of = [f"{'' if name in ('x', 'label') else spaced(name) + ' '}{text}" for name, text in _settings(row)]
    place = f" at {', '.join(of)}" if of else ""
    return f"{told([value(row, name) for name in ('mean', 'low', 'high')])} ({spaced(row.get('column', ''))}{place})"


def _settings(row: Row) -> list[tuple[str, str]]:
    return [(name, text) for name, text in row.items() if name not in _STATISTICS and text]


def inline_svg(path: str | Path, scope: str, alternative: str) -> tuple[Markup, float, float]:
    """Return an SVG file as an element of a page, with ids of its own and words for screen readers; and its size.

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
    width, height = (float(size[1]), float(size[2])) if size else (640.0, 400.0)
    # Vega describes every mark; the alternative text says it once. The page's own ground shows through.
    body = re.sub(r'\s(?:role|aria-[a-z]+)="[^"]*"', "", text[start.end() :])
    body = re.sub(r'^(\s*<rect\b[^>]*\bfill=")white"', r'\1none"', body)
    opening = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" viewBox="0 0 {} {}" style="width:{}px">'
    ).format(alternative, f"{width:g}", f"{height:g}", f"{width:g}")
    return opening + Markup(scoped(body, re.sub(r"[^A-Za-z0-9_-]", "-", scope))), width, height
