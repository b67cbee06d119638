"""Claims as the page shows them: what was measured, how it is judged, and how many of them count."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchlab.declarations.claim import EVIDENCE, STANDINGS
from batchlab.report.cells import Row, count, rows_of, value
from batchlab.report.wording import counted, interval, listed
from batchlab.tables.rounding import estimate, number

VERDICTS = ("supported", "undetermined", "contradicted")
_SIZES = {"reproduced": "size as published", "other": "another size than published", "open": "size open"}
_NUMBER = re.compile(r"[−-]?\d+(?:\.\d+)?(?:e[+−-]?\d+)?")


def claims_of(path: str | None, study: str) -> list[dict[str, Any]]:
    """Return the claims of a study.

    Args:
        path: Its table of claims, or nothing.
        study: Name of the study, with which anchors begin.
    """
    return [_claim(row, study) for row in rows_of(path)]


def _claim(row: Row, study: str) -> dict[str, Any]:
    unit = row.get("unit", "")
    numbers = tuple(value(row, column) for column in ("measured", "ci_low", "ci_high"))
    measured, low, high = estimate(*numbers)
    verdict = row.get("verdict") or "undetermined"
    return {
        "study": study,
        "name": row["claim"],
        "anchor": f"{study}-claim-{row['claim']}",
        "statement": row["statement"],
        "source": row.get("source", ""),
        "sources": row.get("sources", "").split(),
        "published": row.get("published", ""),
        "measured": f"{measured} {unit}".strip() if measured != "–" else "–",
        "interval": interval(low, high),
        "confidence": float(row.get("confidence") or 0.95),
        "level": level(row),
        "unit": unit,
        "expected": row.get("expected", ""),
        "note": row.get("note", ""),
        "n": str(count(row, "n")) if math.isfinite(value(row, "n")) else "–",
        "verdict": verdict,
        "kind": verdict.replace(" ", "-"),
        "judged": judgement(verdict, row.get("direction", ""), row.get("size", "")),
        "standing": row.get("standing") or EVIDENCE,
        "because": row.get("because", ""),
        "figure": row.get("figure", ""),
        "finding": row.get("finding", ""),
        "excluded": count(row, "excluded"),
        "test": row.get("test", ""),
        "numbers": numbers,
        "region": region(row.get("expected", "")),
    }


def level(row: Row) -> str:
    """Return the level of a claim's interval in words, `95 %`; tables from before levels were written have that one."""
    return f"{number(100 * float(row.get('confidence') or 0.95), 3)} %"


def levels(claims: Iterable[Mapping[str, Any]]) -> str:
    """Return the levels of some claims' intervals, `95 % or 98.3 %`."""
    found = sorted({claim["confidence"]: claim["level"] for claim in claims}.items())
    return " or ".join(text for _, text in found) or "95 %"


def judgement(verdict: str, direction: str, size: str) -> str:
    """Return what stands below a verdict: the direction where that is open, and the size against the published one."""
    parts = []
    if verdict == "undetermined" and direction in ("lower", "higher", "equal"):
        parts.append({"equal": "no difference beyond the margin"}.get(direction, f"clearly {direction}"))
        size = size or "open"
    if size in _SIZES and verdict != "not judged":
        parts.append(_SIZES[size])
    return "; ".join(parts)


def region(expected: str) -> tuple[float, float] | None:
    """Return the ends of the region that a claim expects, read from its text; None where there is none.

    The text is that of `batchlab.tables.regions.Region.text`: `< 0 pp`, `≥ 1`, `−0.3 pp to 0.3 pp`.
    """
    ends = [float(number.replace("−", "-")) for number in _NUMBER.findall(expected)]
    if expected[:1] in ("<", "≤") and len(ends) == 1:
        return -math.inf, ends[0]
    if expected[:1] in (">", "≥") and len(ends) == 1:
        return ends[0], math.inf
    return (ends[0], ends[1]) if len(ends) == 2 else None


def tally(claims: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many claims count, of how many publications, by verdict; and what is shown and does not count.

    Only evidence counts: published statements that these runs can support or contradict.
    """
    evidence = [claim for claim in claims if claim["standing"] == EVIDENCE]
    others = Counter(claim["standing"] for claim in claims if claim["standing"] != EVIDENCE)
    publications = {source for claim in evidence for source in claim["sources"] or [claim["source"]]}
    return {
        "levels": levels(claims),
        "looks": any(claim["confidence"] > 0.95 for claim in claims),
        "count": len(evidence),
        "publications": counted(len(publications), "publication"),
        "verdicts": [(name, sum(claim["verdict"] == name for claim in evidence)) for name in VERDICTS],
        "others": [
            (counted(number, standing, standing), STANDINGS.get(standing, "")) for standing, number in others.items()
        ],
        "shown": sum(others.values()),
    }


def verdicts_of(claims: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return verdict → number of claims that count."""
    found = Counter(claim["verdict"] for claim in claims if claim["standing"] == EVIDENCE)
    return {name: found[name] for name in VERDICTS if found[name]}


def in_words(verdicts: Mapping[str, int]) -> str:
    """Return verdicts with their numbers: `2 supported and 1 undetermined`."""
    return listed([f"{number} {name}" for name, number in verdicts.items()])
