"""Remarks on what a table holds: columns that are hardly features, and values that may mean something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from batchlab.sources.contents import Array
from batchlab.sources.formats.csv.table_facts import TableFacts

# Numbers by which gaps are written in files that know none.
_CODES = (-9.0, -99.0, -999.0, -9999.0, -99999.0)


def remarks_on(table: TableFacts, starts: Mapping[int, int], values: Array, labels: Array) -> list[tuple[str, str]]:
    """Return remarks on columns that are hardly features, and on values and words that may mean something else.

    One that grows by one counts the rows; one with a value of its own for each class may give the label away; one with
    a single value says nothing. A number such as -999, far below all others, may stand for a gap.

    Args:
        table: The table.
        starts: First feature of each column.
        values: Features, shape (rows, features).
        labels: Numbers of classes, or targets.
    """
    columns, remarks = table.columns, []
    for place, kind in columns.kinds.items():
        name, found = columns.names[place], values[:, starts[place]]
        if kind == "numbers" and len(values) > 1 and (np.diff(found) == 1).all():
            remarks.append(f"column {name!r} grows by one from row to row; leave_out: [{name}] if it only counts")
        if kind == "numbers" and (code := _code_of_gaps(found)) is not None:
            remarks.append(
                f"column {name!r} holds {code:g} {np.count_nonzero(found == code)} times, far below all other values; "
                f"say missing_words: ['', '{code:g}'] if that is a gap"
            )
        if kind != "words" and len(values) > 1 and (found == found[0]).all():
            remarks.append(f"column {name!r} holds one value in every row, so it tells nothing")
    words = {columns.names[place]: found for place, found in table.categories.items()}
    if table.targets == "classes":
        words[columns.names[columns.labels[0]]] = table.shown_classes
    for name, listed in words.items():
        for one, other in _alike(listed):
            remarks.append(f"column {name!r}: {one!r} and {other!r} are two words, which differ in capitals alone")
    remarks += _telling(table, starts, values, labels) if table.targets == "classes" else []
    return [("Remark", text) for text in remarks]


def _code_of_gaps(found: Array) -> float | None:
    """Return the least value if it looks like a code: -9, -99, …, further from the others than these are apart."""
    distinct = np.unique(found[np.isfinite(found)])
    if len(distinct) < 3 or distinct[0] not in _CODES or distinct[0] - distinct[1] >= distinct[1] - distinct[-1]:
        return None
    return float(distinct[0])


def _alike(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of words that differ in capitals alone, unless they are single letters."""
    first: dict[str, str] = {}
    pairs = []
    for word in words:
        if (other := first.setdefault(word.casefold(), word)) != word and len(word) > 1:
            pairs.append((other, word))
    return pairs


def _telling(table: TableFacts, starts: Mapping[int, int], values: Array, labels: Array) -> list[str]:
    """Return remarks on columns with a value of its own for each class."""
    members = [values[labels == label] for label in range(len(table.classes))]
    remarks, widths = [], table.widths
    for place, start in starts.items():
        stop = start + widths[place]
        own = [rows[:, start:stop] for rows in members]
        if all((rows == rows[:1]).all() for rows in own) and len({tuple(rows[0]) for rows in own}) == len(own):
            name = table.columns.names[place]
            remarks.append(
                f"column {name!r} tells the class in every row; leave_out: [{name}] if it is another name of the label"
            )
    return remarks
