"""Read a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Contents
from batchlab.sources.formats.csv.kinds import listed
from batchlab.sources.formats.csv.table import GAPS
from batchlab.sources.formats.csv.table_facts import told_of
from batchlab.sources.formats.csv.table_remarks import remarks_on
from batchlab.sources.formats.csv.table_rows import by_input
from batchlab.sources.formats.parquet.parquet_rows import Rows, open_rows


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the features (examples, columns) of a table, its labels or targets, and weights.

    Columns of words become one feature for each word, 1 where the column holds it. Gaps of numbers are NaN, if they are
    to be filled in.

    Args:
        paths: One file.
        options: Complete options of the format.

    Raises:
        BatchlabError: Rows that cannot be used, or sizes that are not those that were planned.
    """
    (path,) = paths
    rows = open_rows(path, options)
    chosen = rows.chosen
    planned = {"rows": chosen.rows, "features": chosen.features, "classes": chosen.classes}
    wrong = {key: count for key, count in rows.counts.items() if key in planned and planned[key] != count}
    if wrong:
        found, meant = (" and ".join(f"{counts[key]} {key}" for key in wrong) for counts in (rows.counts, planned))
        said = ", ".join(f"{key}: {count}" for key, count in wrong.items())
        raise BatchlabError(f"{path}: has {found}, but {meant} were planned; say {said}")
    values, labels, weights = rows.features(), rows.labels(), rows.weights()
    contents = Contents(
        (values, labels),
        class_names=tuple(rows.shown_classes),
        told=(
            *told_of(rows, _file(rows)),
            *_indices(rows),
            *_remarks(rows),
            *remarks_on(rows, rows.starts, values, labels),
        ),
        fill=rows.missing == "impute",
        weights={} if weights is None else {"pool": weights},
    )
    return by_input(contents, rows, options)


def _file(rows: Rows) -> str:
    """Return how the file is written."""
    program = f", written by {rows.footer.written_by}" if rows.footer.written_by else ""
    return f"Parquet, {len(rows.footer.columns)} columns{program}"


def _indices(rows: Rows) -> list[tuple[str, str]]:
    """Return which columns are no features because they are the index of a pandas table."""
    names = [rows.columns.names[place] for place in rows.chosen.indices]
    return [("Left out", f"{listed(names)}: index of the pandas table")] if names else []


def _remarks(rows: Rows) -> list[tuple[str, str]]:
    """Return remarks on words that mean gaps in other files; here they are words like others."""
    found = {place: sorted({*words} & {*GAPS}) for place, words in rows.categories.items()}
    if rows.targets == "classes" and len(rows.columns.labels) == 1:
        found[rows.columns.labels[0]] = sorted({*rows.classes} & {*GAPS})
    return [
        (
            "Remark",
            f"column {rows.columns.names[place]!r} holds {listed(list(map(repr, words)))} as a word, not as a gap",
        )
        for place, words in found.items()
        if words
    ]
