"""Columns that a study names, checked before a table is written: a misspelt one must not show after hours of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import Column, Table
from batchlab.declarations.options import ColumnName, Option
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.recipes import FILTERS
from batchlab.tables.base import ARMS
from batchlab.tables.contract import columns_of

# Keys that say nothing about a row: they are the same in all rows of a study, or of a probe's tables.
_CONSTANT = frozenset({"study", "probe"})
# Words that filters understand although the column holds numbers (`tables.selection`).
_MOMENTS = {"seed": ("first",), "epoch": ("last", "best")}


def tables_named(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the one or two tables that a figure or a claim reads."""
    table = item["table"]
    return (table,) if isinstance(table, str) else tuple(table)


def shared_keys(first: Table, second: Table) -> tuple[str, ...]:
    """Return the keys by which the rows of two tables find each other."""
    return tuple(key for key in first.keys if key in second.keys and key not in _CONSTANT)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _column_options(options: Iterable[Option]) -> list[str]:
    return [option.name for option in options if isinstance(option, ColumnName)]


def _named(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, column) for each column that a figure or a claim names."""
    naming = _column_options(find.charts()[item["chart"]].options) if "chart" in item else ["value", "each"]
    for key in naming:
        yield from ((key, name) for name in _listed(item.get(key, [])))
    for key in FILTERS:
        yield from ((f"{key}.{name}", name) for name in item.get(key, {}))


def check_tables(where: str, item: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    """Raise if a figure or a claim reads a table that the study does not have, or two that cannot be joined.

    Args:
        where: Path of the item in the campaign.
        item: Its settings.
        tables: The study's tables by name.
    """
    names = tables_named(item)
    for name in names:
        if name not in tables:
            raise unknown(f"{where}.table", "table", name, tables)
    if len(names) == 1:
        return
    first, second = (tables[name] for name in names)
    shared = shared_keys(first, second)
    keys = " and ".join(f"of {table.name} are {', '.join(table.keys)}" for table in (first, second))
    if not shared:
        raise BatchlabError(f"{where}.table: {' and '.join(names)} have no key in common; keys {keys}")
    if not any(set(table.keys) - _CONSTANT <= set(shared) for table in (first, second)):
        raise BatchlabError(
            f"{where}.table: {' and '.join(names)} both have several rows for one {', '.join(shared)}; "
            f"name a table with one (keys {keys})"
        )


def check_columns(where: str, item: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    """Raise if a figure or a claim names a column, or its chart reads one, that its table does not have.

    Args:
        where: Path of the item in the campaign.
        item: Its settings; the study has its tables.
        tables: The study's tables by name.
    """
    read = [tables[name] for name in tables_named(item)]
    table = " and ".join(tables_named(item))
    known = columns_of(read)
    prefixes = tuple(prefix for each in read for prefix in each.prefixes)
    for key, name in _named(item):
        if name not in known and not (prefixes and name.startswith(prefixes)):
            raise unknown(f"{where}.{key}", f"column of table {table}", name, known)
    if "chart" in item:
        for name in find.charts()[item["chart"]].always:
            if name not in known:
                raise BatchlabError(
                    f"{where}.table: {table} has no column {name}, which {item['chart']} needs; choose another table"
                )


def check_filters(where: str, item: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    """Raise if a filter asks a column of numbers for a word, or one of words for a range.

    Args:
        where: Path of the figure or claim in the campaign.
        item: Its settings; the study has its tables and these the columns.
        tables: The study's tables by name.
    """
    known = columns_of([tables[name] for name in tables_named(item)])
    for key in FILTERS:
        for name, asked in item.get(key, {}).items():
            if name in known:
                _check_kind(f"{where}.{key}.{name}", asked, known[name])


def _check_kind(where: str, asked: Any, column: Column) -> None:
    if column.kind == "text":
        if isinstance(asked, Mapping):
            raise BatchlabError(f"{where}: a range needs numbers, but {column.name} holds words; list those you mean")
        return
    values = asked.values() if isinstance(asked, Mapping) else _listed(asked)
    for value in values:
        if isinstance(value, str) and value not in _MOMENTS.get(column.name, ()):
            raise BatchlabError(f"{where}: {value!r} is not a number, but {column.name} holds numbers")


def check_options(where: str, options: Iterable[Option], given: Mapping[str, Any], tables: Sequence[Table]) -> None:
    """Raise if an option of a derivation names a column that the tables it reads do not have.

    Args:
        where: Path of the derived table in the campaign.
        options: Options of the derivation.
        given: Their values.
        tables: The tables that it reads.
    """
    known = columns_of(tables)
    for key in _column_options(options):
        for name in _listed(given.get(key, [])):
            if name not in known:
                raise unknown(f"{where}.{key}", f"column of table {' and '.join(t.name for t in tables)}", name, known)


def check_reference(where: str, rows: Iterable[str]) -> None:
    """Raise if the filter that names a study's reference arm asks for a column that arms do not have."""
    for name in rows:
        if name not in ARMS.names:
            raise unknown(where, "column of table arms", name, ARMS.names)
