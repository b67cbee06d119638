"""`config/schema.json`: the schema of campaigns for editors, with one line for each short part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from batchlab.configuration.schema import schema
from batchlab.paths import PROJECT

PAGE = PROJECT / "config" / "schema.json"
_WIDTH = 140


def as_text(value: Any, indent: str = "") -> str:
    """Return a value as JSON in which each short part has a line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + len(line) <= _WIDTH:
        return line
    inner = indent + "  "
    if isinstance(value, list):
        parts = [f"{inner}{as_text(item, inner)}" for item in value]
    else:
        parts = [f"{inner}{json.dumps(key)}: {as_text(item, inner)}" for key, item in value.items()]
    ends = "[]" if isinstance(value, list) else "{}"
    return f"{ends[0]}\n" + ",\n".join(parts) + f"\n{indent}{ends[1]}"


def rendered() -> dict[Path, str]:
    """Return the file with the text that it should have."""
    return {PAGE: as_text(schema()) + "\n"}
