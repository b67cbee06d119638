"""How to cite this project: what CITATION.cff says. Standard library only."""

from __future__ import annotations

import functools
import re
from typing import Any

from batchlab.paths import PROJECT

CITATION = PROJECT / "CITATION.cff"
_FIELDS = ("title", "version", "date-released", "license", "doi", "repository-code")


@functools.cache
def citation() -> dict[str, Any]:
    """Return the fields of CITATION.cff that a page shows, and `authors`; nothing where there is no such file.

    Only top-level fields on a line of their own are read, and of authors `name`, or `given-names` and `family-names`.
    """
    if not CITATION.is_file():
        return {}
    text = CITATION.read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    for name in _FIELDS:
        if match := re.search(rf"^{name}:\s*(.+?)\s*$", text, re.MULTILINE):
            found[name] = match[1].strip("\"'")
    block = re.search(r"^authors:\n((?:[ -].*\n?)+)", text, re.MULTILINE)
    people = re.split(r"^\s*-\s+", block[1], flags=re.MULTILINE)[1:] if block else []
    parts = [dict(re.findall(r"([a-z-]+):\s*(.+?)\s*$", person, re.MULTILINE)) for person in people]
    found["authors"] = [
        each["name"].strip("\"'")
        if "name" in each
        else f"{each.get('given-names', '')} {each.get('family-names', '')}".strip()
        for each in parts
    ]
    return found
