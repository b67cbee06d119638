"""A table as planning and the job understand it alike: sizes, kinds of columns, classes, and the rows that are used.

Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from batchlab.declarations.source import FileShape, Targets
from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.header import Header
from batchlab.sources.formats.csv.kinds import TRUTH, columns_of, listed
from batchlab.sources.formats.csv.table_facts import TableFacts
from batchlab.sources.formats.csv.table_inputs import coded, inputs_of, places_of_inputs
from batchlab.sources.formats.csv.text import SAMPLE, number
from batchlab.sources.labels import check_measured, check_repeated, check_several, class_names

# Cells that count as missing; the empty one is what most programs write.
GAPS = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?")
# Numbers that planning looks at; the job looks at all.
_LOOKED_AT = 100_000


class Lines(Protocol):
    """A file whose lines are rows of cells, whatever its format."""

    @property
    def header(self) -> Header:
        """Names of the columns."""

    @property
    def words(self) -> str:
        """How the file is written, for people."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, cells) of each example.

        Raises:
            BatchlabError: The file cannot be read.
        """


@dataclass
class Table(TableFacts):
    """A table of text.

    Attributes:
        lines: Its file.
        gaps: Cells that count as missing.
    """

    lines: Lines = field(kw_only=True)
    gaps: frozenset[str] = field(kw_only=True)


def open_table(path: Path, options: Mapping[str, Any], lines: Lines) -> Table:
    """Return what a table holds, after one pass over it.

    Args:
        path: The file.
        options: Complete options of the format.
        lines: The lines of the file.

    Raises:
        BatchlabError: A table that cannot be used; the message names line and column.
    """
    gaps, names = gaps_of(options), lines.header.names
    first = [cells for _, cells in islice(lines.rows(), SAMPLE)]
    codes = coded(path, options, names)
    columns = columns_of(path, names, first, gaps, options, codes)
    targets: Targets = options.get("labels") or "classes"
    table = Table(path, columns, options.get("missing", "refuse"), targets, lines=lines, gaps=gaps)
    table.codes, table.inputs = codes, places_of_inputs(path, columns, options)
    words: dict[int, set[str]] = {place: set() for place, kind in columns.kinds.items() if kind == "words"}
    numeric = [place for place, kind in columns.kinds.items() if kind != "words"]
    budget = _LOOKED_AT // max(len(columns.kinds), 1)
    for line, label, cells in rows_of(table, counting=True):
        table.kept += 1
        if table.targets == "classes":
            table.class_sizes[label] += 1
        for place, found in words.items():
            found.add(cells[place])
        if table.kept <= budget:
            for place in numeric:
                value_of(table, line, place, cells[place])
            if table.targets != "classes":
                for place in columns.labels:
                    target_of(table, line, place, cells[place])
            if columns.weight is not None:
                weight_of(table, line, cells)
    if table.targets == "classes":
        _check_labels(table, options)
    else:
        table.classes = table.shown_classes = [columns.names[place] for place in columns.labels]
    for place, found in words.items():
        table.take_words(place, found - gaps, named=bool(options.get("categories")))
    return table


def shape_of(table: Table, options: Mapping[str, Any]) -> FileShape:
    """Return the sizes of a table; of cells that hold numbers, the first 100,000 were looked at."""
    inputs = inputs_of(table.inputs, options, table.widths)
    return FileShape(table.kept, None, (table.width,), len(table.classes), targets=table.targets, inputs=inputs)


def gaps_of(options: Mapping[str, Any]) -> frozenset[str]:
    """Return the cells that count as missing."""
    return frozenset(options.get("missing_words", GAPS))


def rows_of(table: Table, counting: bool = False) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line number, label or first target, all cells) of each row that is used.

    Args:
        table: The table.
        counting: Whether to count rows and gaps in it.

    Raises:
        BatchlabError: A row of another length, a label that is missing, or a gap where none is allowed.
    """
    names, labels, gaps = table.columns.names, table.columns.labels, table.gaps
    weight = () if table.columns.weight is None else (table.columns.weight,)
    never = {*labels, *weight}  # what may not be missing where gaps are filled in
    used = (*table.columns.kinds, *weight, *labels)
    for line, cells in table.lines.rows():
        if len(cells) != len(names):
            whose = "the header has" if table.lines.header.lines else "the first row has"
            raise BatchlabError(f"{table.path}: line {line} has {len(cells)} cells, {whose} {len(names)}")
        if any(cells[place] for place in table.columns.empty):
            place = next(place for place in table.columns.empty if cells[place])
            raise BatchlabError(
                f"{table.path}: line {line}: column {place + 1} has no name, and holds {cells[place][:40]!r} here; "
                "name it or remove it"
            )
        empty = [] if gaps.isdisjoint(cells) else [place for place in used if cells[place] in gaps]
        if counting:
            table.rows += 1
            table.gaps_by_column.update(empty)
        if empty and table.missing == "drop":
            continue
        if empty and (table.missing == "refuse" or empty[-1] in never):
            raise _gap(table, line, empty[-1] if empty[-1] in never else empty[0], cells)
        hot = len(labels) > 1 and table.targets == "classes"
        yield line, names[_hot(table, line, cells)] if hot else cells[labels[0]], cells


def value_of(table: Table, line: int, place: int, cell: str) -> float | None:
    """Return the number or truth value of a cell, or None if it is missing.

    Raises:
        BatchlabError: It holds something else.
    """
    if cell in table.gaps:
        return None
    if table.columns.kinds[place] == "truth values":
        found, wanted = TRUTH.get(cell.lower()), "True or False is expected"
    else:
        found, wanted = number(cell, table.columns.comma), "a finite number is expected"
    if found is None:
        name = table.columns.names[place]
        gap = "" if any(sign.isdigit() for sign in cell) else f"missing_words: ['', {cell[:40]!r}] if it is a gap, "
        raise BatchlabError(
            f"{table.path}: line {line}, column {name!r}: holds {cell[:40]!r}; {wanted}; mend it, or say {gap}"
            f"categories: [{name}] if the column holds words, or leave_out: [{name}]"
        )
    return found


def target_of(table: Table, line: int, place: int, cell: str) -> float:
    """Return a target: a number, or 0 or 1 where labels apply or do not.

    Raises:
        BatchlabError: It holds something else.
    """
    several = table.targets == "flags"
    found = _truth(cell) if several else number(cell, table.columns.comma)
    if found is None:
        wanted = "0 or 1 is expected of labels: flags" if several else "a finite number is expected of a target"
        raise BatchlabError(
            f"{table.path}: line {line}, column {table.columns.names[place]!r}: holds {cell[:40]!r}; {wanted}; mend it"
        )
    return found


def weight_of(table: Table, line: int, cells: Sequence[str]) -> float:
    """Return the weight of a row.

    Raises:
        BatchlabError: It is no finite number from 0 on.
    """
    place = table.columns.weight
    assert place is not None
    found = number(cells[place], table.columns.comma)
    if found is None or found < 0:
        raise BatchlabError(
            f"{table.path}: line {line}, column {table.columns.names[place]!r}: holds {cells[place][:40]!r}; a weight "
            "is a number from 0 on; mend it"
        )
    return found


def _gap(table: Table, line: int, place: int, cells: Sequence[str]) -> BatchlabError:
    """Return the error for a cell that is missing."""
    name = table.columns.names[place]
    found = f"is missing ({cells[place]})" if cells[place] else "is empty"
    if place == table.columns.weight:
        raise BatchlabError(
            f"{table.path}: line {line}: the weight (column {name!r}) {found}; say missing: drop to leave such rows out"
        )
    if place in table.columns.labels:
        advice = "say missing: drop to leave such rows out"
        return BatchlabError(
            f"{table.path}: line {line}: the label (column {name!r}) {found}; {advice}"
            + (f", or missing_words: [''] if {cells[place]!r} is a class" if cells[place] else "")
        )
    return BatchlabError(
        f"{table.path}: line {line}, column {name!r}: {found}; fill it, say missing: drop (leave such rows out) or "
        f"missing: impute (the training set's median), or leave_out: [{name}]"
    )


def _hot(table: Table, line: int, cells: Sequence[str]) -> int:
    """Return the place of the one label column that holds 1."""
    values = {place: _truth(cells[place]) for place in table.columns.labels}
    hot = [place for place, value in values.items() if value == 1]
    if len(hot) != 1 or None in values.values():
        found = ", ".join(cells[place] for place in table.columns.labels[:8])
        raise BatchlabError(
            f"{table.path}: line {line}: the columns of the label hold {found}; exactly one must be 1, "
            "the others 0; say labels: flags if any number may be 1, or labels: numbers"
        )
    return hot[0]


def _truth(cell: str) -> float | None:
    value = TRUTH.get(cell.lower(), number(cell))
    return value if value in (0, 1) else None


def _check_labels(table: Table, options: Mapping[str, Any]) -> None:
    """Name the classes; raise if the labels are no classes, or if other columns give them away."""
    where = str(table.path)
    if len(table.columns.labels) > 1:
        table.classes = [table.columns.names[place] for place in table.columns.labels]
        table.shown_classes = table.classes
        empty = next((name for name in table.classes if not table.class_sizes[name]), None)
        if empty:
            raise BatchlabError(f"{where}: label: the column {empty!r} is 1 in no row; take it out of the list")
        return
    [place] = table.columns.labels
    name = table.columns.names[place]
    check_several(sorted(table.class_sizes), where)
    here = f"{where}: label = {name!r}"
    values = {label: number(label, table.columns.comma) for label in table.class_sizes}
    if None not in values.values():
        sizes = Counter[float]()
        for label, value in values.items():
            sizes[value or 0.0] += table.class_sizes[label]
        check_measured(sizes, here, options.get("labels"))
    table.classes = class_names(table.class_sizes, where)
    check_repeated(table.kept, len(table.classes), here)
    names = table.lines.header.classes
    numbered = table.classes == [str(index) for index in range(len(names))]
    table.shown_classes = list(names) if numbered else table.classes
    _check_one_hot(table, place)


def _check_one_hot(table: Table, label: int) -> None:
    """Raise if the label is one of several columns of which one is 1 in each row: the others would give it away."""
    names = table.columns.names
    stem = stem_of(names[label])
    group = [place for place in table.columns.kinds if stem and stem_of(names[place]) == stem]
    if not group:
        return
    whole = [label, *group]
    for _, _, cells in islice(rows_of(table), SAMPLE):
        values = [_truth(cells[place]) for place in whole]
        if None in values or sum(value or 0 for value in values) != 1:
            return
    others = listed([names[place] for place in group])
    raise BatchlabError(
        f"{table.path}: label = {names[label]!r}: of it and {others} exactly one is 1 in each row, so they give the "
        f"label away; name them all as label: [{names[label]}, {others}], or leave them out: leave_out: [{others}]"
    )


def stem_of(name: str) -> str:
    """Return a name without its last part: `city_Bern` → `city`."""
    for sign in "_.-= ":
        if sign in name.strip(sign):
            return name.rpartition(sign)[0]
    return ""
