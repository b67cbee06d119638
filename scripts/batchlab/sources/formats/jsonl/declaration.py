"""Lines of JSON: what planning knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.declarations.source import FileShape, Format
from batchlab.sources.formats.csv.table import open_table, shape_of
from batchlab.sources.formats.csv.written import DECIMAL, MISSING_WORDS
from batchlab.sources.formats.jsonl.json_lines import json_lines
from batchlab.sources.keys import SCALE, TABLE


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Count objects, features and classes or targets; of values that are numbers, the first 100,000 are looked at."""
    return shape_of(open_table(path, options, json_lines(path, options)), options)


def columns(path: Path) -> Sequence[str]:
    """Return the keys of the objects."""
    return json_lines(path, {}).header.names


FORMAT = Format(
    summary="lines of JSON, an object with the same keys on each, which is read as a table is",
    suffixes=(".jsonl", ".ndjson"),
    options=(*TABLE, MISSING_WORDS, DECIMAL, SCALE),
    inspect=inspect,
    columns=columns,
)
