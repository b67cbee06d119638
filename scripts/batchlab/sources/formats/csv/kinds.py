"""What the columns of a table hold: numbers, truth values, words; and what is refused by name.

Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from batchlab.errors import BatchlabError, nearest
from batchlab.sources.formats.csv.text import are_amounts, has_decimal_commas, is_date, is_date_in_digits, number

Kind = Literal["numbers", "truth values", "words"]
TRUTH = {"true": 1.0, "false": 0.0}
# Names of columns that count rows; such a column is no feature.
INDEX = {"", "index", "id", "row", "rows", "rownames", "row_names", "row names", "unnamed: 0", "nr", "no", "no."}


@dataclass(frozen=True)
class Columns:
    """The columns of a table by their place, from 0.

    Attributes:
        names: All names.
        labels: Places of the column of labels, or of one column for each class, target number or label.
        kinds: Kind of each column that is used as a feature, by place.
        index: Places of columns that only count the rows.
        left_out: Places of columns that the campaign does not use.
        comma: Whether numbers have decimal commas.
        weight: Place of the column of weights, or None.
        empty: Places of columns without a name that hold nothing, as a sign at the end of each line makes one.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    kinds: dict[int, Kind]
    index: tuple[int, ...]
    left_out: tuple[int, ...]
    comma: bool
    weight: int | None = None
    empty: tuple[int, ...] = ()


def columns_of(
    path: Path,
    names: Sequence[str],
    body: Sequence[Sequence[str]],
    gaps: frozenset[str],
    options: Mapping[str, Any],
    codes: Collection[int] = (),
) -> Columns:
    """Return what the columns hold, from the first rows of a table; those of `codes` hold words.

    Raises:
        BatchlabError: No such label, repeated names, no feature, or a column of dates.
    """
    body = [row for row in body if len(row) == len(names)]
    cells = {place: [row[place] for row in body] for place in range(len(names))}
    index = tuple(place for place in cells if _counts_rows(names[place], cells[place]))
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise BatchlabError(
            f"{path}: two columns are called {twice!r}, and column names must differ; rename one (or say header: false "
            f"and number them, if there is no header); the columns are: {listed(names)}"
        )
    given = options["label"]
    labels = tuple(place_of(path, "label", item, names) for item in (given if isinstance(given, list) else [given]))
    one_hot = options.get("labels") in (None, "classes")
    if len(set(labels)) < len(labels) or (len(labels) == 2 and one_hot):
        raise BatchlabError(
            f"{path}: label: name one column of labels, all three or more columns of one-hot labels, or say labels: "
            "numbers or labels: flags for columns that are learnt side by side"
        )
    left_out = tuple(place_of(path, "leave_out", item, names) for item in as_list(options.get("leave_out")))
    words = {place_of(path, "categories", item, names) for item in as_list(options.get("categories"))}
    weight = None if options.get("weight") is None else place_of(path, "weight", options["weight"], names)
    weights = () if weight is None else (weight,)
    words |= {*codes}
    for key, places in (("leave_out", left_out), ("categories", words), ("weight", weights)):
        if both := set(places) & {*labels}:
            raise BatchlabError(f"{path}: {key}: {names[both.pop()]!r} is the label")
    index = tuple(place for place in index if place not in (*labels, *left_out, weight))
    rest = [place for place in cells if place not in (*labels, *left_out, *index, weight)]
    empty = tuple(place for place in rest if not names[place] and not any(cells[place]))
    used = [place for place in rest if place not in empty]
    if any(not names[place] for place in used):
        place = next(place for place in used if not names[place])
        raise BatchlabError(f"{path}: column {place + 1} has no name and does not count the rows; name it or remove it")
    if not used:
        raise BatchlabError(f"{path}: has no column beside the label {given!r}")
    present = {place: [cell for cell in cells[place] if cell not in gaps] for place in used}
    written = [*present.values(), *(cells[place] for place in labels if options.get("labels") == "numbers")]
    comma = has_decimal_commas(path, (cell for some in written for cell in some), options.get("decimal"))
    kinds = {place: "words" if place in words else _kind(path, names[place], present[place], comma) for place in used}
    return Columns(tuple(names), labels, kinds, index, left_out, comma, weight, empty)


def as_list(value: Any) -> list[Any]:
    """Return a value of one or several items as a list."""
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names as messages show them."""
    return ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")


def place_of(path: Path, key: str, item: str | int, names: Sequence[str]) -> int:
    """Return the place of a column that is named or numbered.

    Raises:
        BatchlabError: There is no such column.
    """
    if isinstance(item, str):
        if item in names:
            return list(names).index(item)
        hint = f"; did you mean {close!r}?" if (close := nearest(item, names)) else ""
        numbered = list(names) == [str(number + 1) for number in range(len(names))]
        columns = f"1 to {len(names)}, without names" if numbered else listed(names)
        advice = f"; {key}: {len(names)} would be the last" if numbered else hint
        raise BatchlabError(f"{path}: {key} = {item!r} is not a column; the columns are: {columns}{advice}")
    if abs(item) > len(names):
        raise BatchlabError(f"{path}: {key} = {item} is not a column; there are {len(names)} columns")
    return item - 1 if item > 0 else len(names) + item


def _counts_rows(name: str, cells: Sequence[str]) -> bool:
    """Return whether a column only counts the rows: 0, 1, 2, … or 1, 2, 3, …, under a name for that."""
    if name.lower() not in INDEX or len(cells) < 2:
        return False
    return any(all(cell == str(start + row) for row, cell in enumerate(cells)) for start in (0, 1))


def _kind(path: Path, name: str, cells: Sequence[str], comma: bool) -> Kind:
    """Return what a column holds, by the cells of the first rows that are not missing."""
    if cells and all(cell.lower() in TRUTH for cell in cells):
        return "truth values"
    in_digits = len(set(cells)) > 1 and all(map(is_date_in_digits, cells))
    if not in_digits and (not cells or any(number(cell, comma) is not None for cell in cells)):
        return "numbers"
    if comma and (point := next((cell for cell in cells if "." in cell and number(cell) is not None), None)):
        raise BatchlabError(
            f"{path}: column {name!r} holds numbers with decimal points ({point!r}), and other columns have decimal "
            "commas; write all alike"
        )
    check_words(path, name, cells)
    return "words"


def check_words(path: Path, name: str, cells: Sequence[str]) -> None:
    """Raise if texts are dates, or numbers with signs or units: as categories they would lose what they say.

    Args:
        path: The file.
        name: Name of their column.
        cells: Texts that are not missing.
    """
    if not cells:
        return
    if (len(set(cells)) > 1 and all(map(is_date_in_digits, cells))) or all(map(is_date, cells)):
        raise BatchlabError(
            f"{path}: column {name!r} holds dates or times ({cells[0]!r}); leave it out with leave_out: [{name}], or "
            "write it as numbers, such as days since the first"
        )
    if are_amounts(cells):
        raise BatchlabError(
            f"{path}: column {name!r} holds numbers with signs or units ({cells[0]!r}); write them as plain numbers, "
            f"or say leave_out: [{name}], or categories: [{name}] if each is a name"
        )
