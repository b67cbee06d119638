"""Which columns of a Parquet file are used for what, and the sizes that follow from its footer.

Standard library only: planning and the job that reads the rows choose alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchlab.declarations.source import Targets
from batchlab.errors import BatchlabError
from batchlab.sources.formats.csv.kinds import INDEX, Columns, Kind, as_list, listed, place_of
from batchlab.sources.formats.csv.table_inputs import coded, places_of_inputs
from batchlab.sources.formats.parquet.parquet_footer import Footer, Holds, StoredColumn
from batchlab.sources.labels import PLAIN, MeasuredError

_KINDS: dict[Holds, Kind] = {
    "whole numbers": "numbers",
    "numbers": "numbers",
    "truth values": "truth values",
    "words": "words",
}


@dataclass(frozen=True)
class Chosen:
    """The columns that are used, and what the footer says about sizes.

    Attributes:
        columns: Columns by their use.
        targets: What is learnt.
        rows: Rows that are used; None where that depends on which gaps fall into one row.
        features: Number of features; None where that depends on how many words a column holds.
        classes: Number of classes, target numbers or labels; None where that depends on the values.
        indices: Places of indices of pandas, which are left out.
        named: Places of columns whose values are names, as the campaign says.
        codes: Places of columns that become one whole number each.
        inputs: Input of the model → places of its columns, where it has several.
        widths: Number of features of each column that is used as such; None where that depends on its words.
    """

    columns: Columns
    targets: Targets
    rows: int | None
    features: int | None
    classes: int | None
    indices: tuple[int, ...] = field(default=())
    named: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()
    inputs: dict[str, list[int]] = field(default_factory=dict)
    widths: dict[int, int | None] = field(default_factory=dict)


def choose(path: Path, footer: Footer, options: Mapping[str, Any]) -> Chosen:
    """Return the use of each column, and sizes as far as the footer says them.

    Args:
        path: The file, for messages.
        footer: Its footer.
        options: Complete options of the format.

    Raises:
        BatchlabError: No such column, one that cannot be used, or gaps of which nothing is said.
    """
    stored = footer.columns
    targets: Targets = options.get("labels") or "classes"
    names = [column.name for column in stored]
    if len(set(names)) < len(names):
        raise BatchlabError(f"{path}: column names must differ; the columns are: {listed(names)}")
    labels = tuple(place_of(path, "label", item, names) for item in as_list(options["label"]))
    if len(set(labels)) < len(labels) or (len(labels) == 2 and targets == "classes"):
        raise BatchlabError(
            f"{path}: label: name one column of labels, all three or more columns of one-hot labels, or say labels: "
            "numbers or labels: flags for columns that are learnt side by side"
        )
    left_out = tuple(place_of(path, "leave_out", item, names) for item in as_list(options.get("leave_out")))
    named = {place_of(path, "categories", item, names) for item in as_list(options.get("categories"))}
    codes = coded(path, options, names)
    named |= codes
    weight = None if options.get("weight") is None else place_of(path, "weight", options["weight"], names)
    taken = (*labels, *(() if weight is None else (weight,)))
    for key, places in (("leave_out", left_out), ("categories", named), ("weight", taken[len(labels) :])):
        if both := {*places} & {*labels}:
            raise BatchlabError(f"{path}: {key}: {names[both.pop()]!r} is the label")
    rest = [place for place in range(len(stored)) if place not in (*taken, *left_out)]
    indices = tuple(place for place in rest if stored[place].index and place not in named)
    counting = tuple(place for place in rest if place not in indices and _counts_rows(stored[place], footer.rows))
    used = [place for place in rest if place not in (*indices, *counting)]
    if not used:
        raise BatchlabError(f"{path}: has no column beside the label {options['label']!r}")
    kinds = {place: _kind(path, stored[place], place in named) for place in used}
    for place in taken:
        _kind(path, stored[place], place in labels and targets == "classes")
    columns = Columns(tuple(names), labels, kinds, counting, left_out, False, weight)
    rows = _rows(path, footer, [*used, *taken], taken, options.get("missing", "refuse"))
    gap = options.get("missing") == "impute"
    widths = {place: 1 if place in codes else _width(stored[place], kinds[place], gap) for place in used}
    inputs = places_of_inputs(path, columns, options)
    features = options.get("features") or (None if None in widths.values() else sum(filter(None, widths.values())))
    if inputs and features:
        widths = _known_widths(path, names, widths, features)
    classes = _classes(path, [stored[place] for place in labels], targets, options)
    return Chosen(
        columns,
        targets,
        options.get("rows") or rows,
        features,
        options.get("classes") or classes,
        indices,
        frozenset(named),
        codes,
        inputs,
        widths,
    )


def _known_widths(
    path: Path, names: Sequence[str], widths: Mapping[int, int | None], features: int
) -> dict[int, int | None]:
    """Return the features of each column where their number in all is known.

    Raises:
        BatchlabError: Several columns share those that are left.
    """
    open_ = [place for place, width in widths.items() if width is None]
    if len(open_) > 1:
        raise BatchlabError(
            f"{path}: inputs: its footer does not tell how many words {listed([names[place] for place in open_])} "
            "hold; make codes of them, or write them as categories (pandas: astype('category'))"
        )
    left = features - sum(width for width in widths.values() if width is not None)
    return {place: left if width is None else width for place, width in widths.items()}


def _counts_rows(column: StoredColumn, rows: int) -> bool:
    """Return whether a column only counts the rows, by its name and limits; the job looks at its values."""
    if column.name.lower() not in INDEX or column.holds != "whole numbers" or rows < 2 or column.gaps:
        return False
    return column.least in (0, 1) and column.largest == column.least + rows - 1


def _kind(path: Path, column: StoredColumn, words: bool) -> Kind:
    """Return what a column holds; `words` says that its values are names whatever they are."""
    kind = _KINDS.get(column.holds)
    if kind is None:
        out = f"leave it out with leave_out: [{column.name}]"
        ways = {
            "dates or times": f"{out}, or write it as numbers, such as days since the first",
            "lists": f"{out}, or write a column for each item",
        }
        raise BatchlabError(f"{path}: column {column.name!r} holds {column.holds}; {ways.get(column.holds, out)}")
    return "words" if words else kind


def _width(column: StoredColumn, kind: Kind, gap: bool) -> int | None:
    """Return how many features a column becomes."""
    if kind != "words":
        return 1
    return None if column.words is None else column.words + (1 if gap and column.gaps else 0)


def _rows(path: Path, footer: Footer, used: Sequence[int], never: Sequence[int], missing: str) -> int | None:
    """Return the number of rows that are used, where it follows from the numbers of gaps."""
    gaps = {place: footer.columns[place].gaps or 0 for place in used if footer.columns[place].gaps}
    if missing == "drop":
        return footer.rows - sum(gaps.values()) if len(gaps) < 2 else None
    for place, count in gaps.items():
        name = footer.columns[place].name
        found = f"{path}: column {name!r} has {count:,} {'gap' if count == 1 else 'gaps'}"
        if place in never:
            raise BatchlabError(f"{found}; it cannot be filled in; say missing: drop to leave such rows out")
        if missing == "refuse":
            raise BatchlabError(
                f"{found}; fill them, say missing: drop (leave such rows out) or missing: impute (the training set's "
                f"median), or leave_out: [{name}]"
            )
    return footer.rows


def _classes(path: Path, labels: Sequence[StoredColumn], targets: Targets, options: Mapping[str, Any]) -> int | None:
    """Return the number of classes, target numbers or labels, where it follows from the footer."""
    for label in labels:
        if targets == "numbers" and label.holds not in ("whole numbers", "numbers"):
            raise BatchlabError(f"{path}: label = {label.name!r} holds {label.holds}; labels: numbers needs numbers")
        if targets == "flags" and (label.holds == "words" or (label.least or 0) < 0 or (label.largest or 1) > 1):
            raise BatchlabError(f"{path}: label = {label.name!r} does not hold 0 and 1, as labels: flags needs")
    if targets != "classes" or len(labels) > 1:
        return len(labels)
    [label] = labels
    if label.holds == "words":
        return label.words
    if label.holds == "truth values":
        return 2
    least, largest = label.least, label.largest
    if options.get("classes") or least is None or largest is None:
        return None
    fraction = next((value for value in (least, largest) if value != int(value)), None)
    if fraction is not None and options.get("labels") is None:
        raise MeasuredError(
            f"{path}: label = {label.name!r} holds numbers from {least:g} to {largest:g}: that is measured, not a "
            "class; say labels: numbers to learn the numbers (regression), or labels: classes if every number is one"
        )
    few = label.holds == "whole numbers" and least in (0, 1) and largest - least < PLAIN
    return int(largest - least) + 1 if few else None
