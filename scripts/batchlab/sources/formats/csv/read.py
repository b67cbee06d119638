"""Read a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.sources.contents import Array, Contents
from batchlab.sources.formats.csv.table import Table, open_table, rows_of, target_of, value_of, weight_of
from batchlab.sources.formats.csv.table_facts import told_of
from batchlab.sources.formats.csv.table_remarks import remarks_on
from batchlab.sources.formats.csv.table_rows import by_input
from batchlab.sources.formats.csv.text_lines import text_lines


def read(paths: Sequence[Path], options: Mapping[str, Any]) -> Contents:
    """Return the features (examples, columns) of a table, its labels or targets, and weights.

    Columns of words become one feature for each word, 1 where the column holds it. Gaps of numbers are NaN, if they are
    to be filled in.

    Args:
        paths: One file.
        options: Complete options of the format.
    """
    (path,) = paths
    return contents_of(open_table(path, options, text_lines(path, options)), options)


def contents_of(table: Table, options: Mapping[str, Any]) -> Contents:
    """Return what the rows of a table of text hold, see `read`.

    Args:
        table: The table.
        options: Complete options of the format.
    """
    class_number = {name: index for index, name in enumerate(table.classes)}
    values = np.zeros((table.kept, table.width), np.float64)
    classes = table.targets == "classes"
    labels: Array = np.empty(table.kept, np.int64) if classes else np.empty((table.kept, len(table.classes)))
    weights = None if table.columns.weight is None else np.empty(table.kept)
    starts = table.starts
    number_of = {place: {word: index for index, word in enumerate(words)} for place, words in table.categories.items()}
    for row, (line, label, cells) in enumerate(rows_of(table)):
        if classes:
            labels[row] = class_number[label]
        else:
            labels[row] = [target_of(table, line, place, cells[place]) for place in table.columns.labels]
        if weights is not None:
            weights[row] = weight_of(table, line, cells)
        for place, kind in table.columns.kinds.items():
            if kind == "words":
                number = number_of[place].get(cells[place], len(number_of[place]) - 1)
                if place in table.codes:
                    values[row, starts[place]] = number
                else:
                    values[row, starts[place] + number] = 1
            else:
                value = value_of(table, line, place, cells[place])
                values[row, starts[place]] = math.nan if value is None else value
    file = table.lines.words + ("; decimal commas" if table.columns.comma else "")
    contents = Contents(
        (values, labels),
        class_names=tuple(table.shown_classes),
        told=(*told_of(table, file), *remarks_on(table, starts, values, labels)),
        fill=table.missing == "impute",
        weights={} if weights is None else {"pool": weights},
    )
    return by_input(contents, table, options)
