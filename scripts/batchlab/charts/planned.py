"""The specs of a figure: what its numbers depend on, and what its drawing depends on. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchlab.declarations import find
from batchlab.declarations.columns import SHARED, Column, Table
from batchlab.declarations.options import ColumnNames, with_defaults
from batchlab.paths import LIBRARY
from batchlab.tables.base import ARMS
from batchlab.tables.conditions import close, is_number, same_text, within
from batchlab.tables.contract import columns_of, columns_spec, derived_spec, reading_spec

# Fields of a column that numbers depend on, and those that a drawing depends on.
_OF_NUMBERS = ("kind", "unit", "factor", "bounds", "quantity", "series", "clock")
_OF_DRAWINGS = ("kind", "title", "unit", "factor", "bounds", "quantity", "series", "sign", "words", "clock")
# Settings of arms in the order in which a reader would want them told apart; a table's own text columns come between.
_FIRST = ("recipe", "label", "optimizer")
_THEN = ("learning_rate", "accumulation", "batch_size", "model", "dataset", "precision", "epoch", "metric", "arm")
# What tells drawn groups from each other.
_GROUPS = ("facet", "colour", "dash")
# The rates in the text of an arm's phases.
_RATES = re.compile(r"\blr = ([^\s,]+)")
# So many values of a setting are told below a title.
_MOST_SETTINGS = 2


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


def drawn_arms(figure: Mapping[str, Any], arms: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the arms that a figure's `where` lets through; all of them if it names other columns only.

    Args:
        figure: Its settings in the campaign.
        arms: The study's rows of `arms.csv`.
    """
    where = figure.get("where") or {}
    wanted = {column: value for column, value in where.items() if all(column in arm for arm in arms)}
    return [arm for arm in arms if all(_lets_through(value, arm[column]) for column, value in wanted.items())]


def _lets_through(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list):
        return any(_lets_through(item, value) for item in wanted)
    if isinstance(wanted, Mapping):
        return is_number(value) and bool(within(value, wanted))
    return bool(close(value, wanted)) if is_number(value) and is_number(wanted) else bool(same_text(str(value), wanted))


def setting_of(
    figure: Mapping[str, Any],
    arms: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column],
    titles: Mapping[str, str] | None = None,
) -> str:
    """Return data set, model, optimizer and learning rate of the runs that a figure shows, in one line.

    Args:
        figure: Its settings in the campaign.
        arms: The study's rows of `arms.csv`.
        columns: Columns, which say how their values are written.
        titles: What people call the data sets.
    """
    chosen = drawn_arms(figure, arms) or list(arms)
    told = {figure.get(key) for key in (*_GROUPS, "x")}
    parts = []
    for name in ("dataset", "model", "optimizer", "learning_rate"):
        values = list(dict.fromkeys(arm[name] for arm in chosen if name in arm))
        if name in told or not 0 < len(values) <= _MOST_SETTINGS:
            continue
        # The rate of an arm is that of its last phase.
        if name == "learning_rate" and any(len(set(_RATES.findall(arm.get("phases", "")))) > 1 for arm in chosen):
            continue
        words = {**(columns[name].words if name in columns else {}), **(titles or {} if name == "dataset" else {})}
        shown = dict.fromkeys(f"{value:g}" if is_number(value) else words.get(value, value) for value in values)
        text = " and ".join(shown)
        parts.append(f"learning rate {text}" if name == "learning_rate" else text)
    return " · ".join(parts)


def regions_of(figure: Mapping[str, Any], claims: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the claims that a figure names in `regions` expect of the values that it draws.

    Args:
        figure: Its settings in the campaign.
        claims: The study's claims by name; one that a campaign has taken out is not drawn.

    Returns:
        For each claim `value`, its column; `low`, `high`, ends of the published number or of the margin in the unit of
        the table, either of which may be missing; `source`, who published it, or nothing for a margin; and of a
        comparison `minus`, the filter of the runs from which they are counted, and `ratio`, whether they are multiples.
    """
    regions: list[dict[str, Any]] = []
    for name in figure.get("regions") or ():
        claim = claims.get(name)
        if claim is None or claim["test"] == "trend":
            continue
        margin, value = claim.get("margin"), claim.get("published_value")
        ends = {"min": value, "max": value} if is_number(value) else value
        source = claim["source"] if ends else ""
        if not ends and claim["test"] in ("level", "ratio") and isinstance(claim["expect"], Mapping):
            ends, source = claim["expect"], claim["source"]
        if not ends and margin and claim["test"] != "ratio":
            ends = {"min": -margin, "max": margin}
        if not ends:
            continue
        region = {"value": claim["value"], "source": source, "low": ends.get("min"), "high": ends.get("max")}
        if claim["test"] != "level":
            region |= {"minus": claim["minus"], "ratio": claim["test"] == "ratio"}
        regions.append(region)
    return regions


def data_spec(
    study: str,
    name: str,
    figure: Mapping[str, Any],
    tables: Sequence[Table],
    arms: Sequence[Mapping[str, Any]],
    *,
    changes: Sequence[float] = (),
    claims: Mapping[str, Mapping[str, Any]] | None = None,
    chosen: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the numbers of a figure depend on.

    Args:
        study: Name of the study.
        name: Name of the figure.
        figure: Its settings in the campaign, checked, with batch sizes as numbers.
        tables: The tables that it reads, in the order of `table`.
        arms: The study's rows of `arms.csv`.
        changes: Epochs at which an arm changes its batch size or learning rate.
        claims: The study's claims by name.
        chosen: Columns of the tables in which the data choose one of several arms.
    """
    chart, options = find.charts()[figure["chart"]], options_of(figure)
    where, minus = figure.get("where") or {}, figure.get("minus") or {}
    named, columns = chart.columns(options), columns_of(tables)
    regions = regions_of(figure, claims or {})
    filtered = [*where, *minus, *(column for region in regions for column in region.get("minus", ()))]
    more = {"changes": list(changes), "regions": regions, "chosen": list(dict.fromkeys(chosen))}
    return {
        "study": study,
        "name": name,
        "chart": figure["chart"],
        "options": {key: value for key, value in options.items() if key not in chart.only_drawn},
        "table": figure["table"],
        "where": where,
        "named": named,
        "tables": reading_spec(tables),
        "derived": derived_spec(tables, [*named, *filtered]),
        "columns": columns_spec(columns, named, _OF_NUMBERS),
        "tells": telling(tables, arms),
        **{key: value for key, value in more.items() if value},
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
    campaign: str = "",
    titles: Mapping[str, str] | None = None,
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
        campaign: Name of the campaign.
        titles: What people call the data sets.
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
        **({"finding": figure["finding"]} if "finding" in figure else {}),
        "setting": setting_of(figure, arms, {**columns_of([ARMS]), **columns}, titles),
        "campaign": campaign,
        "caption": figure.get("caption", ""),
        "options": options,
        "columns": columns_spec(columns, [*named, *more, *(figure.get("minus") or ())], _OF_DRAWINGS),
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
