"""The specs of a figure: what its numbers depend on, and what its drawing depends on. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import SHARED, Table
from batchlab.declarations.options import ColumnNames, with_defaults
from batchlab.paths import LIBRARY
from batchlab.tables.contract import columns_of, columns_spec, derived_spec, reading_spec

# Fields of a column that numbers depend on, and those that a drawing depends on.
_OF_NUMBERS = ("kind", "unit", "factor", "bounds", "quantity", "series")
_OF_DRAWINGS = ("kind", "title", "unit", "factor", "quantity", "series", "sign", "words")
# Settings of arms in the order in which a reader would want them told apart; a table's own text columns come between.
_FIRST = ("recipe", "label", "optimizer")
_THEN = ("learning_rate", "accumulation", "batch_size", "model", "dataset", "precision", "epoch", "metric", "arm")
# What tells drawn groups from each other.
_GROUPS = ("facet", "colour", "dash")


def options_of(figure: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a figure's chart, complete; several columns are a list even if there is one."""
    declared = find.charts()[figure["chart"]].options
    given = {option.name: figure[option.name] for option in declared if figure.get(option.name) is not None}
    complete = with_defaults(declared, given)
    for option in declared:
        if isinstance(option, ColumnNames) and isinstance(complete.get(option.name), str):
            complete[option.name] = [complete[option.name]]
    return complete


def telling(tables: Iterable[Table], arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns of tables that can tell arms apart, in the order in which they are tried.

    Args:
        tables: The tables of a figure.
        arms: The study's rows of `arms.csv`; what is the same in all of them tells nothing.
    """
    columns = columns_of(tables)
    own = [name for name, column in columns.items() if column.kind == "text" and name not in SHARED]
    return [
        name
        for name in (*_FIRST, *own, *_THEN)
        if name in columns and (name not in arms[0] or len({str(arm[name]) for arm in arms}) > 1)
    ]


def numbers_module(chart: str) -> str:
    """Return the module whose `data` gives the numbers of a kind of chart: its own, or else the selected rows."""
    own = (LIBRARY / "charts" / chart / "data.py").is_file()
    return f"batchlab.charts.{chart}.data" if own else "batchlab.charts.selected"


def data_spec(
    study: str, name: str, figure: Mapping[str, Any], tables: Sequence[Table], arms: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the numbers of a figure depend on.

    Args:
        study: Name of the study.
        name: Name of the figure.
        figure: Its settings in the campaign, checked, with batch sizes as numbers.
        tables: The tables that it reads, in the order of `table`.
        arms: The study's rows of `arms.csv`.
    """
    chart, options = find.charts()[figure["chart"]], options_of(figure)
    where = figure.get("where") or {}
    named, columns = chart.columns(options), columns_of(tables)
    return {
        "study": study,
        "name": name,
        "chart": figure["chart"],
        "options": {key: value for key, value in options.items() if key not in chart.only_drawn},
        "table": figure["table"],
        "where": where,
        "named": named,
        "tables": reading_spec(tables),
        "derived": derived_spec(tables, [*named, *where]),
        "columns": columns_spec(columns, named, _OF_NUMBERS),
        "tells": telling(tables, arms),
    }


def drawing_spec(
    study: str,
    name: str,
    figure: Mapping[str, Any],
    tables: Sequence[Table],
    arms: Sequence[Mapping[str, Any]],
    *,
    batch_sizes: Sequence[int],
    identity: str,
) -> dict[str, Any]:
    """Return what the drawing of a figure depends on, besides its numbers.

    Args:
        study: Name of the study.
        name: Name of the figure.
        figure: Its settings in the campaign, checked, with texts filled in.
        tables: The tables that it reads, in the order of `table`.
        arms: The study's rows of `arms.csv`.
        batch_sizes: All batch sizes of the campaign: one size has one colour in all figures.
        identity: Digest of all training behind the tables, which the figure shows.
    """
    chart, options = find.charts()[figure["chart"]], options_of(figure)
    columns = columns_of(tables)
    named = chart.columns(options)
    # The data may need one more column, to tell all arms apart.
    more = telling(tables, arms) if _may_add(figure, options, arms) else []
    return {
        "study": study,
        "name": name,
        "chart": figure["chart"],
        "title": figure["title"],
        "caption": figure.get("caption", ""),
        "options": options,
        "columns": columns_spec(columns, [*named, *more], _OF_DRAWINGS),
        "batch_sizes": sorted(set(batch_sizes)),
        "identity": identity,
    }


def _may_add(figure: Mapping[str, Any], options: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the data of a figure can ask for dashes or panels that its settings do not name."""
    declared = {option.name for option in find.charts()[figure["chart"]].options}
    free = [key for key in _GROUPS if key in declared and options.get(key) is None]
    named = [options[key] for key in (*_GROUPS, "x") if isinstance(options.get(key), str) and options[key] in arms[0]]
    distinct = {tuple(arm[key] for key in named) for arm in arms}
    return bool(free) and len(distinct) < len(arms)
