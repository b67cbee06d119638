"""Tables of numbers with one column of labels: what planning knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchlab.declarations.options import Text
from batchlab.declarations.source import FileShape, Format
from batchlab.sources.formats.csv.table import read_rows
from batchlab.sources.keys import SCALE
from batchlab.sources.labels import check_repeated, class_names


def inspect(path: Path, options: Mapping[str, Any]) -> FileShape:
    """Count rows, columns and classes; cells are looked at when the file is read."""
    label = options["label"]
    features, rows = read_rows(path, label)
    examples, labels = 0, set()
    for _, name, _ in rows:
        examples += 1
        labels.add(name)
    classes = len(class_names(labels, str(path)))
    check_repeated(examples, classes, f"{path}: label = {label!r}")
    return FileShape(examples, None, (len(features),), classes)


FORMAT = Format(
    summary="table in UTF-8 with commas and a header line: one column of labels, otherwise finite numbers",
    suffixes=(".csv",),
    options=(Text("label", "name of the column that holds the labels"), SCALE),
    inspect=inspect,
)
