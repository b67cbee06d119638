"""What jobs need to know of columns, as it stands in their specs. Standard library only.

No digest of code holds a declaration; what a job uses of the declared columns is in its spec, and nothing else. So a
new axis title redraws the figures that use the column, and new digits rewrite the tables that hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import DERIVED, SHARED, Column, Table, resolve
from batchlab.declarations.options import ColumnField, ColumnName, with_defaults
from batchlab.declarations.task import Chosen
from batchlab.errors import BatchlabError
from batchlab.tables.base import known_columns, summarised

_DEFAULTS = Column("")
_FIELDS = tuple(field.name for field in fields(Column))


def columns_of(tables: Iterable[Table]) -> dict[str, Column]:
    """Return name → column of several tables and of what is derived of them; the first table has the first word."""
    found: dict[str, Column] = {}
    derived: tuple[Column, ...] | None = None
    for table in tables:
        derived = table.derived if derived is None else derived
        for name, column in resolve(table, known_columns()).items():
            found.setdefault(name, column)
    for column in _derived(known_columns()) if derived is None else (*derived, *DERIVED.values()):
        if column.needs <= found.keys():
            found.setdefault(column.name, column)
    return found


def _derived(known: Iterable[Column]) -> list[Column]:
    return [column for column in (*known, *DERIVED.values()) if column.formula]


def columns_spec(columns: Mapping[str, Column], names: Iterable[str], used: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return name → the fields of columns that a job uses, those with their default left out.

    Args:
        columns: Name → column, see `columns_of`.
        names: Columns that the job names; undeclared ones, such as the norm of one layer, are left out.
        used: Fields of `Column` that the job uses.
    """
    return {
        name: {
            field: _plain(value)
            for field in used
            if (value := getattr(columns[name], field)) != getattr(_DEFAULTS, field)
        }
        for name in sorted(set(names) & columns.keys())
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def columns_from(spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Column]:
    """Return the columns that `columns_spec` described; a field that the job does not use has its default."""
    return {name: Column(name, **_known(own)) for name, own in spec.items()}


def _known(fields_of: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a column as `Column` takes them."""
    return {key: tuple(value) if key == "bounds" else value for key, value in fields_of.items() if key in _FIELDS}


def tables_spec(tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    """Return how tables are written: table → `order` of its columns, `text` columns, `digits`, and for those of probes
    `arm_columns` and `prefixes`.
    """
    spec: dict[str, dict[str, Any]] = {}
    for table in tables:
        columns = resolve(table, known_columns())
        spec[table.name] = {
            "order": list(columns),
            "text": [name for name, column in columns.items() if column.kind == "text"],
            "digits": {name: column.digits for name, column in columns.items() if column.digits != _DEFAULTS.digits},
            "arm_columns": list(table.arm_columns),
            "prefixes": list(table.prefixes),
        }
    return spec


def reading_spec(tables: Iterable[Table]) -> dict[str, dict[str, list[str]]]:
    """Return how tables are read and joined: table → `text` columns and `keys`."""
    return {
        table.name: {
            "text": [name for name, column in resolve(table, known_columns()).items() if column.kind == "text"],
            "keys": list(table.keys),
        }
        for table in tables
    }


def derived_spec(tables: Iterable[Table], names: Iterable[str]) -> dict[str, str]:
    """Return derived column → formula, for those of `names` that tables do not hold and that follow from them."""
    columns = columns_of(tables)
    return {name: columns[name].formula for name in sorted(set(names) & columns.keys()) if columns[name].formula}


def derive_spec(
    study: str, name: str, derivation: str, options: Mapping[str, Any], tables: Mapping[str, Table]
) -> dict[str, Any]:
    """Return the settings of a table that a study derives from others.

    Args:
        study: Name of the study.
        name: Name of the table in the study.
        derivation: Name of the derivation.
        options: Its options as the study gives them.
        tables: Name → table of the study, at least those that the derivation reads.

    Raises:
        BatchlabError: A column that an option follows does not say what is better.
    """
    declared = find.derivations()[derivation]
    read = [tables[table] for table in declared.reads]
    columns = columns_of(read)
    complete = with_defaults(declared.options, options)
    named = [str(complete[option.name]) for option in declared.options if isinstance(option, ColumnName)]
    for option in declared.options:
        if isinstance(option, ColumnField) and option.name not in complete:
            column = columns.get(complete[option.of], _DEFAULTS)
            complete[option.name] = getattr(column, option.name)
            if complete[option.name] not in option.words:
                raise BatchlabError(
                    f"studies.{study}.tables.{name}: column {column.name} does not say it; give {option.name}:"
                    f" {' or '.join(map(str, option.words))}"
                )
    if declared.fields:
        complete["columns"] = columns_spec(columns, named, declared.fields)
    return {
        "study": study,
        "name": name,
        "derivation": derivation,
        "options": complete,
        "reads": list(declared.reads),
        "tables": reading_spec(read),
        "derived": derived_spec(read, named),
        "table": tables_spec([declared.table])[declared.table.name],
    }


def summary_spec(task: Chosen) -> dict[str, Any]:
    """Return which metrics of a task `summary` and `comparisons` hold, with the formulas of the derived ones.

    `bounds` are those of the metrics that have any, and `counted` are the metrics that a collapsed run has as well.
    """
    chosen = summarised(task)
    derived = {column.name: column for column in _derived(known_columns(task))}
    columns = {**SHARED, **derived, **{column.name: column for column in known_columns(task)}}
    named = {*chosen["last"], *(column for _, column in chosen["best"]), *chosen["compared"]}
    of_metric = {**{name: name for name in named}, **dict(chosen["best"])}
    return {
        **chosen,
        "derived": {name: derived[name].formula for name in sorted(named & derived.keys())},
        "bounds": {name: list(columns[own].bounds or ()) for name, own in of_metric.items() if columns[own].bounds},
        "counted": [name for name in chosen["last"] if columns[name].exact or columns[name].clock],
    }
