"""Read a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources.contents import Array, Contents
from batchlab.sources.formats.csv.kinds import listed
from batchlab.sources.formats.csv.table import Table, open_table, rows_of, target_of, value_of, weight_of


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the features (examples, columns) of a table, its labels or targets, and weights.

    Columns of words become one feature for each word, 1 where the column holds it. Gaps of numbers are NaN, if they are
    to be filled in.

    Args:
        paths: One file.
        options: Complete options of the format.
    """
    (path,) = paths
    table = open_table(path, options)
    class_number = {name: index for index, name in enumerate(table.classes)}
    values = np.zeros((table.kept, table.width), np.float64)
    classes = table.targets == "classes"
    labels: Array = np.empty(table.kept, np.int64) if classes else np.empty((table.kept, len(table.classes)))
    weights = None if table.columns.weight is None else np.empty(table.kept)
    starts, start = {}, 0
    for place in table.columns.kinds:
        starts[place] = start
        start += len(table.categories.get(place, [""]))
    number_of = {
        place: {word: starts[place] + index for index, word in enumerate(words)}
        for place, words in table.categories.items()
    }
    for row, (line, label, cells) in enumerate(rows_of(table)):
        if classes:
            labels[row] = class_number[label]
        else:
            labels[row] = [target_of(table, line, place, cells[place]) for place in table.columns.labels]
        if weights is not None:
            weights[row] = weight_of(table, line, cells)
        for place, kind in table.columns.kinds.items():
            if kind == "words":
                values[row, number_of[place].get(cells[place], starts[place] + len(number_of[place]) - 1)] = 1
            else:
                value = value_of(table, line, place, cells[place])
                values[row, starts[place]] = math.nan if value is None else value
    remarks = _remarks(table, starts, values, labels)
    return Contents(
        (values, labels),
        class_names=tuple(table.shown_classes),
        told=(*_told(table), *remarks),
        fill=table.missing == "impute",
        weights={} if weights is None else {"pool": weights},
    )


def _remarks(table: Table, starts: Mapping[int, int], values: Array, labels: Array) -> list[tuple[str, str]]:
    """Return remarks on columns that are hardly features.

    One that grows by one counts the rows. One with a value of its own for each class may give the label away.
    """
    classes = range(len(table.classes)) if table.targets == "classes" else ()
    members = [values[labels == label] for label in classes]
    remarks = []
    for place, kind in table.columns.kinds.items():
        if kind == "numbers" and len(values) > 1 and (np.diff(values[:, starts[place]]) == 1).all():
            name = table.columns.names[place]
            remarks.append(
                ("Remark", f"column {name!r} grows by one from row to row; leave_out: [{name}] if it only counts")
            )
    for place, start in starts.items() if members else ():
        stop = start + len(table.categories.get(place, [""]))
        own = [rows[:, start:stop] for rows in members]
        if all((rows == rows[:1]).all() for rows in own) and len({tuple(rows[0]) for rows in own}) == len(own):
            name = table.columns.names[place]
            text = (
                f"column {name!r} tells the class in every row; leave_out: [{name}] if it is another name of the label"
            )
            remarks.append(("Remark", text))
    return remarks


def _told(table: Table) -> tuple[tuple[str, str], ...]:
    """Return what was understood, as (what, text) for people."""
    columns, names = table.columns, table.columns.names
    kinds = {
        kind: [names[place] for place, found in columns.kinds.items() if found == kind]
        for kind in ("numbers", "truth values", "words")
    }
    told = [
        ("File", f"{table.how.words}; {table.header.words}" + ("; decimal commas" if columns.comma else "")),
        ("Rows", f"{table.rows:,} read, {table.kept:,} used"),
        ("Target" if table.targets == "numbers" else "Label", ", ".join(names[place] for place in columns.labels)),
        *((f"Columns of {kind}", f"{len(found)}: {listed(found)}") for kind, found in kinds.items() if found),
    ]
    told += [
        (f"Categories of {names[place]}", f"{len(words)} features of 0 and 1: {listed(words)}")
        for place, words in table.categories.items()
    ]
    if columns.weight is not None:
        told.append(("Weight of a row", names[columns.weight]))
    if columns.index:
        told.append(("Left out", f"{_names(names, columns.index)}: counts the rows"))
    if columns.left_out:
        told.append(("Left out", f"{_names(names, columns.left_out)}: as the campaign says"))
    if gaps := {names[place]: count for place, count in sorted(table.gaps_by_column.items())}:
        done = {"drop": f"{table.rows - table.kept:,} rows with gaps left out", "impute": "gaps filled in"}
        where = ", ".join(f"{name} {count:,}" for name, count in gaps.items())
        told.append(("Missing", f"{done[table.missing]}; gaps by column: {where}"))
    return tuple(told)


def _names(names: Sequence[str], places: Sequence[int]) -> str:
    return listed([names[place] or f"column {place + 1} (without a name)" for place in places])
