"""`config/advice.schema.json`: the schema of `advice.json`, for scripts that read it."""

from __future__ import annotations

from pathlib import Path

from batchlab.pages.schema_file import as_text
from batchlab.paths import PROJECT
from batchlab.report.advice_schema import schema


def rendered() -> dict[Path, str]:
    """Return the file with the text that it should have."""
    return {PROJECT / "config" / "advice.schema.json": as_text(schema()) + "\n"}
