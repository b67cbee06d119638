"""Columns of a study's tables, known before a table is written: a misspelt one must not show after hours of work."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import Column, Table, resolve
from batchlab.declarations.options import ColumnName, Option
from batchlab.errors import BatchlabError, unknown
from batchlab.planning.recipes import FILTERS
from batchlab.tables.base import ARMS, known_columns


@functools.cache
def _formulas() -> dict[str, Column]:
    """Return the derived columns by name."""
    return {column.name: column for column in known_columns() if column.formula}


@functools.cache
def columns_of(table: Table) -> dict[str, Column]:
    """Return the columns of a table by name."""
    return resolve(table, known_columns())


def tables_named(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the one or two tables that a figure or a claim reads."""
    table = item["table"]
    return (table,) if isinstance(table, str) else tuple(table)


def shared_keys(first: Table, second: Table) -> tuple[str, ...]:
    """Return the keys by which two tables are joined."""
    return tuple(key for key in first.keys if key in second.keys)


def joined(tables: Sequence[Table]) -> dict[str, Column]:
    """Return the columns of one table, or of two that are joined; the first one's win."""
    merged: dict[str, Column] = {}
    for table in reversed(tables):
        merged |= columns_of(table)
    return merged


def _naming_options(item: Mapping[str, Any]) -> Iterator[str]:
    if "chart" in item:
        yield from column_options(find.charts()[item["chart"]].options)
    else:
        yield "value"


def column_options(options: Iterable[Option]) -> list[str]:
    """Return the names of the options that name columns."""
    return [option.name for option in options if isinstance(option, ColumnName)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, column) for each column that a figure or a claim names."""
    for key in _naming_options(item):
        yield from ((key, name) for name in _listed(item.get(key, [])))
    for key in FILTERS:
        yield from ((f"{key}.{name}", name) for name in item.get(key, {}))


def derived_of(item: Mapping[str, Any], tables: Mapping[str, Table]) -> dict[str, str]:
    """Return name → formula of the derived columns that a figure or a claim names.

    They belong to the settings of the figure or claim: a changed formula makes exactly those anew that use it.

    Args:
        item: Settings of a figure or a claim.
        tables: The study's tables by name.
    """
    own = joined([tables[name] for name in tables_named(item)])
    names = dict.fromkeys(name for _, name in _named(item) if name not in own and name in _formulas())
    return {name: _formulas()[name].formula for name in names}


def check_tables(where: str, item: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    """Raise if a figure or a claim reads a table that the study does not have, or two that share no key.

    Args:
        where: Path of the item in the campaign.
        item: Its settings.
        tables: The study's tables by name.
    """
    names = tables_named(item)
    for name in names:
        if name not in tables:
            raise unknown(f"{where}.table", "table", name, tables)
    if len(names) == 2 and not set(shared_keys(*(tables[name] for name in names))) - {"study"}:
        keys = " and ".join(f"{name} has {', '.join(tables[name].keys)}" for name in names)
        raise BatchlabError(f"{where}.table: {' and '.join(names)} share no key by which to join them; {keys}")


def check_columns(where: str, item: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    """Raise if a figure or a claim names a column that its table does not have.

    Args:
        where: Path of the item in the campaign.
        item: Its settings; the study has its tables.
        tables: The study's tables by name.
    """
    read = [tables[name] for name in tables_named(item)]
    own = joined(read)
    known = {*own, *(name for name, column in _formulas().items() if column.needs <= own.keys())}
    prefixes = tuple(prefix for table in read for prefix in table.prefixes)
    for key, name in _named(item):
        if name not in known and not (prefixes and name.startswith(prefixes)):
            raise unknown(f"{where}.{key}", f"column of table {' and '.join(tables_named(item))}", name, known)


def check_options(where: str, options: Iterable[Option], given: Mapping[str, Any], tables: Sequence[Table]) -> None:
    """Raise if an option of a derivation names a column that the tables it reads do not have."""
    known = joined(tables)
    for key in column_options(options):
        for name in _listed(given.get(key, [])):
            if name not in known:
                raise unknown(f"{where}.{key}", f"column of table {' and '.join(t.name for t in tables)}", name, known)


def check_reference(where: str, rows: Iterable[str]) -> None:
    """Raise if the filter that names a study's reference arm asks for a column that arms do not have."""
    for name in rows:
        if name not in ARMS.names:
            raise unknown(where, "column of table arms", name, ARMS.names)
