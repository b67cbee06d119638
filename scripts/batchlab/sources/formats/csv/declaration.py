"""Tables with one column of labels: what planning knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from batchlab.declarations.options import OPTIONAL, Choice, Flag, Text
from batchlab.declarations.source import FileShape, Format, Words
from batchlab.sources.formats.csv.header import header_of
from batchlab.sources.formats.csv.table import GAPS, open_table
from batchlab.sources.formats.csv.table_inputs import inputs_of
from batchlab.sources.formats.csv.text import SAMPLE, SEPARATORS, lines_of, writing
from batchlab.sources.keys import SCALE, TABLE


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Count rows, features and classes or targets; of cells that hold numbers, the first 100,000 are looked at."""
    table = open_table(path, options)
    inputs = inputs_of(table.inputs, options, table.widths)
    return FileShape(table.kept, None, (table.width,), len(table.classes), targets=table.targets, inputs=inputs)


def columns(path: Path) -> Sequence[str]:
    """Return the names of the columns, or their numbers."""
    rows = list(islice(lines_of(path, writing(path, {})), SAMPLE + 1))
    return header_of(path, rows, frozenset(GAPS), None).names


FORMAT = Format(
    summary="table with columns of labels or target numbers: numbers, truth values, words as categories",
    suffixes=(".csv", ".tsv", ".txt", ".data"),
    options=(
        *TABLE,
        Words("missing_words", "cells that count as gaps", GAPS),
        Flag("header", "whether the first line holds names; found out by the types of cells", OPTIONAL),
        Choice("separator", "sign between cells; found out by counting", OPTIONAL, words=tuple(SEPARATORS)),
        Choice("decimal", "decimal sign; found out", OPTIONAL, words=(".", ",")),
        Text("encoding", "encoding of the text; without it UTF-8, or UTF-16 if it begins with its mark", OPTIONAL),
        SCALE,
    ),
    inspect=inspect,
    columns=columns,
)
