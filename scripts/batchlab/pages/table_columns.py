"""The columns of all tables in `docs/tables.md`, from their declarations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from batchlab.declarations import find
from batchlab.declarations.columns import DERIVED, SHARED, Column, Table
from batchlab.pages import between_markers, markdown_table
from batchlab.paths import PROJECT
from batchlab.tables.base import CLAIMS, STUDY_TABLES

PAGE = PROJECT / "docs" / "tables.md"


def _stored_unit(column: Column) -> str:
    """Return the unit of the values in the file; a factor belongs to what is drawn."""
    return column.unit if column.factor == 1 else "fraction"


def _columns(columns: Iterable[Column]) -> str:
    rows = [(f"`{column.name}`", _stored_unit(column), column.meaning) for column in columns]
    return markdown_table(("column", "unit", "meaning"), rows)


def _derived(columns: Iterable[Column]) -> str:
    rows = [
        # A meaning that only repeats the formula, with a proper minus sign, is left out.
        (
            f"`{column.name}`",
            _stored_unit(column),
            f"`{column.formula}`",
            "" if column.meaning.replace("−", "-") == column.formula else column.meaning,
        )
        for column in columns
    ]
    return markdown_table(("column", "unit", "formula", "meaning"), rows)


def _table(table: Table) -> str:
    shared = [f"`{column}`" for column in table.columns if isinstance(column, str)]
    parts = [f"A row is {table.meaning}. Key: {', '.join(f'`{key}`' for key in table.keys)}."]
    if shared:
        parts.append(f"Shared columns: {', '.join(shared)}.")
    text = " ".join(parts)
    if table.prefixes:
        text += f" On request also columns that begin with {', '.join(f'`{prefix}`' for prefix in table.prefixes)}."
    return f"{text}\n\n{_columns(table.own)}" if table.own else text


def _with_heading(table: Table, of: str) -> str:
    return f"### {table.name}\n{of} {_table(table)}"


def blocks() -> dict[str, str]:
    """Return name → Markdown of the page's generated parts."""
    tasks = [f"Task `{name}`: {task.summary}.\n\n{_columns(task.columns)}" for name, task in find.tasks().items()]
    of_tasks = (column for task in find.tasks().values() for column in task.derived)
    derived = list(dict.fromkeys([*DERIVED.values(), *of_tasks]))  # tasks share some
    probes = [
        _with_heading(table, f"By the probe `{name}`.")
        for name, probe in find.probes().items()
        for table in probe.tables
    ]
    derivations = [
        _with_heading(item.table, f"Made of {' and '.join(f'`{table}`' for table in item.reads)}.")
        for item in find.derivations().values()
    ]
    return {
        "shared": _columns(SHARED.values()),
        "metrics": "\n\n".join(tasks),
        "derived": _derived(derived),
        **{table.name: _table(table) for table in (*STUDY_TABLES, CLAIMS)},
        "probes": "\n\n".join(probes),
        "derivations": "\n\n".join(derivations),
    }


def rendered() -> dict[Path, str]:
    """Return the page with the text that it should have."""
    return {PAGE: between_markers(PAGE.read_text(encoding="utf-8"), blocks())}
