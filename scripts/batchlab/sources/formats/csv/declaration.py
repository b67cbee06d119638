"""Tables with one column of labels: what planning knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.declarations.options import OPTIONAL, Choice, Flag, Text
from batchlab.declarations.source import FileShape, Format
from batchlab.sources.formats.csv.table import open_table, shape_of
from batchlab.sources.formats.csv.text import SEPARATORS
from batchlab.sources.formats.csv.text_lines import text_lines
from batchlab.sources.formats.csv.written import DECIMAL, MISSING_WORDS
from batchlab.sources.keys import SCALE, TABLE


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Count rows, features and classes or targets; of cells that hold numbers, the first 100,000 are looked at."""
    return shape_of(open_table(path, options, text_lines(path, options)), options)


def columns(path: Path) -> Sequence[str]:
    """Return the names of the columns, or their numbers."""
    return text_lines(path, {}).header.names


FORMAT = Format(
    summary="table with columns of labels or target numbers: numbers, truth values, words as categories",
    suffixes=(".csv", ".tsv", ".txt", ".data"),
    options=(
        *TABLE,
        MISSING_WORDS,
        Flag("header", "whether the first line holds names; found out by the types of cells", OPTIONAL),
        Choice("separator", "sign between cells; found out by counting", OPTIONAL, words=tuple(SEPARATORS)),
        DECIMAL,
        Text("encoding", "encoding of the text; without it UTF-8, or UTF-16 if it begins with its mark", OPTIONAL),
        SCALE,
    ),
    inspect=inspect,
    columns=columns,
)
