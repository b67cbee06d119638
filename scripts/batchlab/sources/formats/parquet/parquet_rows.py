"""The rows of a Parquet file as numbers: features, labels or targets, weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from batchlab.errors import BatchlabError
from batchlab.sources.contents import Array
from batchlab.sources.formats.csv.kinds import check_words, listed
from batchlab.sources.formats.csv.table import stem_of
from batchlab.sources.formats.csv.table_facts import GAP, TableFacts
from batchlab.sources.formats.csv.text import is_date_in_digits, number
from batchlab.sources.formats.parquet.parquet_columns import Chosen, choose
from batchlab.sources.formats.parquet.parquet_folder import files_of, footer_of_table
from batchlab.sources.formats.parquet.parquet_footer import Footer
from batchlab.sources.labels import check_measured, check_repeated, check_several, class_names


@dataclass
class Rows(TableFacts):
    """A Parquet file that was read.

    Attributes:
        footer: Its footer.
        chosen: Use of its columns.
        frame: Rows that are used, by place of the column; without gaps, or with them if they are filled in.
        numeric: Whether classes are numbers of a column.
    """

    footer: Footer = field(kw_only=True)
    chosen: Chosen = field(kw_only=True)
    frame: dict[int, Any] = field(kw_only=True, default_factory=dict)
    numeric: bool = False

    @property
    def counts(self) -> dict[str, Any]:
        """Sizes that the footer may not say, and whether numbers are taken for classes without being asked."""
        return {"rows": self.kept, "features": self.width, "classes": len(self.classes), "numeric": self.numeric}

    def features(self) -> Array:
        """Return the features, shape (rows, features); gaps are NaN, if they are to be filled in."""
        values = np.zeros((self.kept, self.width))
        for place, start in self.starts.items():
            column = self.frame[place]
            if place not in self.categories:
                values[:, start] = _numbers(self, place)
                continue
            number = {word: index for index, word in enumerate(self.categories[place])}
            words = [number[GAP] if empty else number[_word(value)] for value, empty in _with_gaps(column)]
            if place in self.codes:
                values[:, start] = words
            else:
                values[np.arange(self.kept), start + np.array(words, np.int64)] = 1
        return values

    def labels(self) -> Array:
        """Return numbers of classes, shape (rows,); or targets or labels, shape (rows, their number)."""
        places = self.columns.labels
        if self.targets != "classes":
            found = np.stack([_numbers(self, place) for place in places], axis=1)
            if self.targets == "flags" and not np.isin(found, (0, 1)).all():
                raise BatchlabError(f"{self.path}: 0 or 1 is expected of labels: flags; mend it")
            return found
        if len(places) > 1:
            return _hot(self)
        number = {name: index for index, name in enumerate(self.classes)}
        return np.array([number[_word(value)] for value in self.frame[places[0]]], np.int64)

    def weights(self) -> Array | None:
        """Return the weights of rows, if a column holds them."""
        if (place := self.columns.weight) is None:
            return None
        found = _numbers(self, place)
        if (found < 0).any():
            raise BatchlabError(f"{_at(self, place, found < 0)}; a weight is a number from 0 on; mend it")
        return found


def open_rows(path: Path, options: Mapping[str, Any]) -> Rows:
    """Read a file and return what its rows hold.

    Args:
        path: The file.
        options: Complete options of the format.

    Raises:
        BatchlabError: Rows that cannot be used; the message names row and column.
    """
    footer = footer_of_table(path)
    chosen = choose(path, footer, options)
    columns = chosen.columns
    taken = (*columns.labels, *(() if columns.weight is None else (columns.weight,)))
    used = [*columns.kinds, *taken]
    read = _read(path, [columns.names[place] for place in (*used, *columns.index)])
    for place in columns.index:
        if not read[columns.names[place]].is_unique:
            name = columns.names[place]
            raise BatchlabError(
                f"{path}: column {name!r} holds numbers of rows by its name and limits, but some of them twice; leave "
                f"it out with leave_out: [{name}], or give it another name"
            )
    rows = Rows(path, columns, options.get("missing", "refuse"), chosen.targets, footer=footer, chosen=chosen)
    rows.codes, rows.inputs = chosen.codes, chosen.inputs
    rows.rows = len(read)
    empty = {place: read[columns.names[place]].isna().to_numpy() for place in used}
    rows.gaps_by_column.update({place: int(gaps.sum()) for place, gaps in empty.items() if gaps.any()})
    for place in rows.gaps_by_column if rows.missing != "drop" else ():
        if rows.missing == "refuse" or place in taken:
            raise _gap(rows, place, int(np.argmax(empty[place])), place in taken)
    keep = ~np.any([*empty.values()], axis=0) if rows.missing == "drop" else np.ones(len(read), bool)
    rows.kept = int(keep.sum())
    rows.frame = {place: read[columns.names[place]][keep] for place in used}
    named = bool(options.get("categories"))
    for place, kind in columns.kinds.items():
        if kind == "words":
            words = {_word(value) for value, gap in _with_gaps(rows.frame[place]) if not gap}
            if place not in chosen.named and footer.columns[place].words is None:
                _check_texts(path, columns.names[place], sorted(words))
            rows.take_words(place, words, named)
    _take_classes(rows, options)
    return rows


def _read(path: Path, names: list[str]) -> Any:
    """Return columns as pandas has them, of all files one after the other; indices are columns like others."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise BatchlabError(f"{path}: Parquet is read by PyArrow, which is not installed; run make parquet") from None
    import pandas as pd

    parts = []
    for file in files_of(path):
        try:
            # By the file alone: names of folders such as `year=2020` are no columns.
            table = parquet.ParquetFile(file).read(columns=[*dict.fromkeys(names)])
            parts.append(table.to_pandas(ignore_metadata=True))
        except (pyarrow.ArrowException, OSError, ValueError) as problem:
            raise BatchlabError(f"{file}: cannot be read as Parquet ({problem}); write it again") from None
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _check_texts(path: Path, name: str, words: list[str]) -> None:
    """Raise if a column of texts holds dates or numbers, which no program that writes numbers as such has made."""
    if words and all(number(word) is not None for word in words) and not all(map(is_date_in_digits, words)):
        raise BatchlabError(
            f"{path}: column {name!r} holds numbers as text ({words[0]!r}); write them as numbers, or say leave_out: "
            f"[{name}], or categories: [{name}] if each is a name"
        )
    check_words(path, name, words)


def _with_gaps(column: Any) -> Any:
    """Return each value of a column with whether it is missing."""
    return zip(column.astype(object), column.isna(), strict=True)


def _word(value: Any) -> str:
    """Return a value as a name: whole numbers without a fraction, also where a gap made floats of them."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _numbers(rows: Rows, place: int) -> Array:
    """Return a column as finite numbers; gaps are NaN."""
    column = rows.frame[place]
    if column.dtype.kind not in "biuf" and not _decimal(column):
        raise BatchlabError(
            f"{rows.path}: column {rows.columns.names[place]!r} holds {column.dtype}, not numbers; leave it out with "
            f"leave_out: [{rows.columns.names[place]}]"
        )
    values: Array = column.astype(object).where(~column.isna(), np.nan).to_numpy(np.float64)
    if np.isinf(values).any():
        raise BatchlabError(f"{_at(rows, place, np.isinf(values))}; a finite number is expected; mend it")
    return values


def _decimal(column: Any) -> bool:
    """Return whether a column of objects holds decimal numbers or truth values with gaps."""
    kinds = {type(value).__name__ for value, gap in _with_gaps(column) if not gap}
    return kinds <= {"Decimal", "bool"}


def _at(rows: Rows, place: int, bad: Array) -> str:
    """Return where the first bad value is, and what it is."""
    first = int(np.argmax(bad))
    row = int(rows.frame[place].index[first]) + 1
    return f"{rows.path}: row {row}, column {rows.columns.names[place]!r}: holds {rows.frame[place].iloc[first]}"


def _gap(rows: Rows, place: int, row: int, never: bool) -> BatchlabError:
    """Return the error for a value that is missing."""
    name = rows.columns.names[place]
    ways = "say missing: drop to leave such rows out"
    if not never:
        ways = (
            f"fill it, say missing: drop (leave such rows out) or missing: impute (the training set's median), or "
            f"leave_out: [{name}]"
        )
    return BatchlabError(f"{rows.path}: row {row + 1}, column {name!r}: is empty; {ways}")


def _hot(rows: Rows) -> Array:
    """Return the place of the one label column that holds 1."""
    found = np.stack([_numbers(rows, place) for place in rows.columns.labels], axis=1)
    good = ((found == 1).sum(axis=1) == 1) & ((found == 0).sum(axis=1) == found.shape[1] - 1)
    if not good.all():
        row = int(np.argmin(good))
        raise BatchlabError(
            f"{rows.path}: row {row + 1}: the columns of the label hold "
            f"{', '.join(f'{value:g}' for value in found[row][:8])}; exactly one must be 1, the others 0; say labels: "
            "flags if any number may be 1, or labels: numbers"
        )
    if not (empty := found.any(axis=0)).all():
        name = rows.columns.names[rows.columns.labels[int(np.argmin(empty))]]
        raise BatchlabError(f"{rows.path}: label: the column {name!r} is 1 in no row; take it out of the list")
    return found.argmax(axis=1)


def _take_classes(rows: Rows, options: Mapping[str, Any]) -> None:
    """Name the classes; raise if the labels are no classes, or if other columns give them away."""
    names, places = rows.columns.names, rows.columns.labels
    if rows.targets != "classes" or len(places) > 1:
        rows.classes = rows.shown_classes = [names[place] for place in places]
        return
    [place] = places
    where, column = f"{rows.path}: label = {names[place]!r}", rows.frame[place]
    rows.class_sizes = Counter(map(_word, column))
    check_several(sorted(rows.class_sizes), where)
    if rows.footer.columns[place].holds in ("numbers", "whole numbers") and place not in rows.columns.kinds:
        said = "classes" if options.get("classes") else options.get("labels")
        check_measured({float(name): count for name, count in rows.class_sizes.items()}, where, said)
        rows.numeric = said is None
    rows.classes = rows.shown_classes = class_names(rows.class_sizes, where)
    check_repeated(rows.kept, len(rows.classes), where)
    _check_one_hot(rows, place)


def _check_one_hot(rows: Rows, label: int) -> None:
    """Raise if the label is one of several columns of which one is 1 in each row: the others would give it away."""
    names, stem = rows.columns.names, stem_of(rows.columns.names[label])
    plain = [place for place, kind in rows.columns.kinds.items() if kind != "words"]
    group = [place for place in plain if stem and stem_of(names[place]) == stem]
    holds = rows.footer.columns[label].holds
    if not group or holds == "words":
        return
    values = np.stack([_numbers(rows, place) for place in (label, *group)], axis=1)
    if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
        return
    others = listed([names[place] for place in group])
    raise BatchlabError(
        f"{rows.path}: label = {names[label]!r}: of it and {others} exactly one is 1 in each row, so they give the "
        f"label away; name them all as label: [{names[label]}, {others}], or leave them out: leave_out: [{others}]"
    )
