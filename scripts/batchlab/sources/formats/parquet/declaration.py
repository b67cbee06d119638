"""Parquet files: what planning knows of them from their footers, without reading a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.declarations.options import OPTIONAL, Count
from batchlab.declarations.source import FileShape, Format
from batchlab.sources.formats.csv.table_inputs import inputs_of
from batchlab.sources.formats.parquet.counting import to_be_said
from batchlab.sources.formats.parquet.parquet_columns import choose
from batchlab.sources.formats.parquet.parquet_folder import SUFFIXES, footer_of_table, is_folder_of_tables
from batchlab.sources.keys import SCALE, TABLE


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Take rows, features and classes or targets from the footer; what it does not say, keys of the data set say."""
    chosen = choose(path, footer_of_table(path), options)
    rows, features, classes = chosen.rows, chosen.features, chosen.classes
    if rows is None or features is None or classes is None:
        raise to_be_said(path, options, {"rows": rows, "features": features, "classes": classes})
    widths = {place: width or 0 for place, width in chosen.widths.items()}
    inputs = inputs_of(chosen.inputs, options, widths)
    return FileShape(rows, None, (features,), classes, targets=chosen.targets, inputs=inputs)


def columns(path: Path) -> Sequence[str]:
    """Return the names of the columns."""
    return [column.name for column in footer_of_table(path).columns]


FORMAT = Format(
    summary="table with columns of labels or target numbers, as pandas and others write it; or a folder of such files",
    suffixes=(*SUFFIXES, "/"),
    takes=is_folder_of_tables,
    options=(
        *TABLE,
        Count("rows", "rows without gaps, where the footer of the file does not tell", OPTIONAL),
        Count("features", "features, where the footer of the file does not tell", OPTIONAL),
        Count("classes", "classes, where the footer of the file does not tell", OPTIONAL, least=2),
        SCALE,
    ),
    inspect=inspect,
    columns=columns,
)
