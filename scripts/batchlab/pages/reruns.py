"""The rerun table, `docs/reruns.yaml`: which keys its rows change, which jobs they expect, and its page.

Rows for the options of probes and charts are not written down: they follow from the declarations and from what the
test's campaign has. `make docs` writes the page.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from batchlab.configuration.schema import schema as campaign_schema
from batchlab.declarations import find
from batchlab.declarations.columns import Table, resolve
from batchlab.declarations.options import (
    OPTIONAL,
    REQUIRED,
    BatchSize,
    BatchSizes,
    Choice,
    ColumnName,
    Count,
    Flag,
    Limits,
    Names,
    Number,
    Option,
    Renamed,
    RowFilter,
    Text,
)
from batchlab.paths import PROJECT
from batchlab.tables.base import JOINED as JOINED_TABLES
from batchlab.tables.base import STUDY_TABLES, known_columns

TABLE = PROJECT / "docs" / "reruns.yaml"
CAMPAIGN = PROJECT / "tests" / "workflow" / "rerun_campaign.yaml"
PAGE = TABLE.with_suffix(".md")
JOINED = tuple(table.name for table in JOINED_TABLES)

Row = dict[str, Any]


def load(path: Path = TABLE) -> list[dict[str, Any]]:
    """Return the sections of the table, each with `title` and `rows`, those of options included."""
    sections: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["sections"]
    campaign = yaml.safe_load(CAMPAIGN.read_text(encoding="utf-8"))
    more = {
        "Nothing that matters": [default_row(campaign)],
        "A probe": option_rows(campaign, "probes"),
        "A figure": option_rows(campaign, "figures"),
    }
    return [{**section, "rows": [*section["rows"], *more.get(section["title"], ())]} for section in sections]


# Options of probes and charts


def _doubled(value: Any) -> Any:
    return value * 2 if value else 1


def _other(
    option: Option, given: Any, campaign: Mapping[str, Any], columns: Mapping[str, Any], claims: Iterable[str] = ()
) -> Any:
    """Return a value of an option other than the one that is given, `None` if that is none.

    Args:
        option: The option.
        given: Its value.
        campaign: The campaign.
        columns: Columns of the tables that the item reads.
        claims: Names of the study's claims.
    """
    if isinstance(given, list) and len(given) > 1 and not isinstance(option, ColumnName | Limits):
        return given[:-1]
    match option:
        case Flag():
            return not given
        case Choice(words=words):
            return next(word for word in words if word != given)
        case BatchSize():
            return next(size for size in campaign["batch_sizes"].values() if size != given)
        case BatchSizes():
            sizes = campaign["batch_sizes"]
            used = {sizes.get(size, size) for size in given}
            return [min(size for size in sizes.values() if size not in used)]
        case ColumnName():
            like = columns.get(given[0] if isinstance(given, list) else given)
            fitting = [name for name, column in columns.items() if like is None or column.kind == like.kind]
            return next(name for name in fitting if name not in (given, *(given if isinstance(given, list) else ())))
        case Limits():
            return [0, 2]
        case Text():
            return "Another text"
        case Names():
            return [next(name for name in claims if name not in (given or ()))]
        case Renamed():
            return {"sgd": "Another name"}
        case RowFilter():
            return {"batch_size": "small"}
        case Count() | Number():
            return [_doubled(item) for item in given] if isinstance(given, list) else _doubled(given)
    raise TypeError(f"{type(option).__name__} has no other value; say one here")


@functools.cache
def _tables() -> dict[str, Table]:
    of_probes = [table for probe in find.probes().values() for table in probe.tables]
    return {table.name: table for table in (*STUDY_TABLES, *of_probes)}


def option_rows(campaign: Mapping[str, Any], group: str) -> list[Row]:
    """Return a row for each option of each kind of probe or chart that a campaign has: another value reruns the item.

    Args:
        campaign: The campaign; a probe of it is one job.
        group: `probes` or `figures`.
    """
    key, declared = {"probes": ("probe", find.probes()), "figures": ("chart", find.charts())}[group]
    rows: list[Row] = []
    seen: set[str] = set()
    for study, settings in campaign["studies"].items():
        for name, item in settings.get(group, {}).items():
            kind = item[key]
            if kind in seen:
                continue
            seen.add(kind)
            reruns: dict[str, Any] = {"measure": {kind: 1}, "tables": [study]}
            columns: dict[str, Any] = {}
            if group == "figures":
                columns = resolve(_tables()[item["table"]], known_columns())
            for option in declared[kind].options:
                if group == "figures":
                    drawn = option.name in declared[kind].only_drawn
                    reruns = {"figures" if drawn else "shown": {study: [name]}}
                default = None if option.default in (REQUIRED, OPTIONAL) else option.default
                given = item.get(option.name, list(default) if isinstance(default, tuple) else default)
                other = _other(option, given, campaign, columns, settings.get("claims", {}))
                rows.append(
                    {
                        "name": f"{kind}_{option.name}",
                        "changed": f"`{option.name}`",
                        "of": f"`{key}: {kind}`",
                        "change": {"set": {f"studies.{study}.{group}.{name}.{option.name}": other}},
                        "reruns": reruns,
                    }
                )
    return rows


def default_row(campaign: Mapping[str, Any]) -> Row:
    """Return the row in which every option of a probe or figure that is not given is written out: nothing reruns."""
    written = {}
    for study, settings in campaign["studies"].items():
        for group, key, declared in (("probes", "probe", find.probes()), ("figures", "chart", find.charts())):
            for name, item in settings.get(group, {}).items():
                for option in declared[item[key]].options:
                    if option.name not in item and option.default not in (REQUIRED, OPTIONAL):
                        default = list(option.default) if isinstance(option.default, tuple) else option.default
                        written[f"studies.{study}.{group}.{name}.{option.name}"] = default
    changed = "an option of a probe or figure, written out with its default"
    return {"name": "defaults_of_options", "changed": changed, "change": {"set": written}, "reruns": {}}


# Keys of the schema


def _alternatives(
    schema: Mapping[str, Any], node: Mapping[str, Any], name: str
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every form that a value may take, with the name of the definition that it comes from.

    The options of a kind of probe, chart or derivation are no keys of their own here: rows for them are made.
    """
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        yield from _alternatives(schema, schema["$defs"][name], name)
    elif "anyOf" in node:
        for choice in node["anyOf"]:
            yield from _alternatives(schema, choice, name)
    else:
        yield dict(node), name


def schema_keys(schema: Mapping[str, Any] | None = None) -> set[str]:
    """Return every key of the schema: `epochs`, `seeds.count`, `study.epochs`, `probe.arms.recipe`, …"""
    whole = schema or campaign_schema()
    found: set[str] = set()

    def walk(node: Mapping[str, Any], name: str) -> None:
        for form, owner in _alternatives(whole, node, name):
            for key, part in form.get("properties", {}).items() if owner == name else ():
                inner = f"{name}.{key}".lstrip(".")
                found.add(inner)
                walk(part, inner)

    walk(whole, "")
    for name, definition in whole["$defs"].items():
        if "title" not in definition:  # the options of a kind; see `option_rows`
            walk(definition, name)
    return found


def key_of(path: str, schema: Mapping[str, Any] | None = None) -> set[str]:
    """Return the keys of the schema that a path of a campaign goes through, such as `study.arms` and `recipe.epochs`.

    Args:
        path: Names and numbers of list items, joined by dots.
        schema: The schema; the project's by default.
    """
    whole = schema or campaign_schema()
    places: list[tuple[Mapping[str, Any], str]] = [(whole, "")]
    passed: set[str] = set()
    for part in path.split("."):
        following: list[tuple[Mapping[str, Any], str]] = []
        for place, name in places:
            for form, owner in _alternatives(whole, place, name):
                inner = f"{owner}.{part}".lstrip(".")
                if part in form.get("properties", {}):
                    passed.add(inner)
                    following.append((form["properties"][part], inner))
                elif isinstance(form.get("additionalProperties"), dict):
                    following.append((form["additionalProperties"], owner))
                elif part.isdigit() and isinstance(form.get("items"), dict):
                    following.append((form["items"], owner))
        places = following
    return passed


def keys_changed(change: Mapping[str, Any]) -> set[str]:
    """Return the keys of the schema that a row's change touches."""
    paths = [*change.get("set", ()), *change.get("remove", ()), *change.get("rename", ()), *change.get("reverse", ())]
    return {key for path in paths if path for key in key_of(path)}


# Jobs


def expected(reruns: Mapping[str, Any], campaign: Mapping[str, Any]) -> dict[str, Any]:
    """Return all jobs of a row, with those that follow from the flow of data.

    Args:
        reruns: What the row says.
        campaign: The changed campaign, whose figures are those that a study's tables are drawn in.

    Returns:
        `data`, `check`, `initialise`, `train`, `measure`, `tables`, `derived`, `claims`, `joined`, `shown` (numbers of
        figures), `figures` (drawings), `bundle` (scripts of figures), `report` and `seeds`, as far as there is
        something: sorted lists of names, a number of jobs where the row gives a number, mappings of these.
    """
    tables = list(reruns.get("tables", ()))
    claims = sorted({*tables, *reruns.get("claims", ())})
    all_of = {
        study: [name for name, item in _items(campaign, study, "figures") if item is not None] for study in tables
    }
    shown = {**reruns.get("shown", {}), **all_of}
    figures = {**reruns.get("figures", {}), **shown}
    derived = {**reruns.get("derived", {}), **{study: _derived(campaign, study) for study in tables}}
    joined = {*reruns.get("joined", ()), *(JOINED if tables else ()), *(["claims"] if claims else ())}
    jobs = {
        **{key: reruns.get(key) for key in ("data", "check", "initialise", "train", "measure", "seeds")},
        "tables": sorted(tables),
        "claims": claims,
        "joined": sorted(joined),
        **{
            key: {study: sorted(names) for study, names in of.items() if names}
            for key, of in (("derived", derived), ("shown", shown), ("figures", figures))
        },
        "bundle": bool(reruns.get("bundle")),
        "report": bool(reruns.get("report") or joined or figures or derived),
    }
    return {key: sorted(value) if isinstance(value, list) else value for key, value in jobs.items() if value}


def _items(campaign: Mapping[str, Any], study: str, group: str) -> Iterable[tuple[str, Any]]:
    items: dict[str, Any] = campaign["studies"][study].get(group, {})
    return items.items()


def _derived(campaign: Mapping[str, Any], study: str) -> list[str]:
    """Return the tables that a study derives; those that come with its probes are made together with the others."""
    return sorted(name for name, _ in _items(campaign, study, "tables"))


# The page


def render(sections: Iterable[Mapping[str, Any]] | None = None) -> str:
    """Return the page for readers."""
    lines = [_INTRODUCTION.strip()]
    for section in sections or load():
        lines += ["", f"## {section['title']}", "| I changed | what runs |", "|---|---|"]
        lines += [f"| {changed} | {_cell(row)} |" for changed, row in _together(section["rows"])]
    return "\n".join(lines) + "\n"


def _together(rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    """Yield what was changed, and a row that says what reruns; the options of one kind stand in one line."""
    for of, group in itertools.groupby(rows, key=lambda row: row.get("of")):
        if of is None:
            yield from ((row["changed"], row) for row in group)
        else:
            same = list(group)
            yield f"{', '.join(row['changed'] for row in same)} of {of}", same[0]


_INTRODUCTION = """
# I changed X: what reruns?
A changed parameter reruns exactly the steps that depend on it. A comment, a file time or a checkout reruns nothing.
An edited helper reruns exactly its dependents. `make plan` tells what would run, and why, without running it. Where
other code may prepare the same data, it says so: `make data` first, and what was trained on the same data stays.

This page is rendered from [reruns.yaml](reruns.yaml) by `make docs`. A test makes every one of these changes in a copy
of the project and compares the jobs of a dry run with this table; a key of the configuration without a row fails a
test. Rows for the options of probes and charts follow from their declarations. The names are those of the test's
campaign, [rerun_campaign.yaml](../tests/workflow/rerun_campaign.yaml): the studies `sizes` and `switch` train the model
`mlp` on `digits`; `mine` trains a user's model and one with batch normalisation on a user's file.

What follows from the flow of data is not repeated below: new tables of a study are followed by its derived tables,
claims and figures, the joined tables and the report; new claims by the joined claims and the report; new numbers of a
figure by its drawing, and that by the report.
"""


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _count(value: Any, one: str, many: str) -> str:
    number = value if isinstance(value, int) else len(value)
    return f"{number} {one if number == 1 else many}"


def _cell(row: Mapping[str, Any]) -> str:
    """Return what a row reruns in words."""
    reruns = row["reruns"]
    parts = []
    if names := reruns.get("data"):
        parts.append(f"the data of {_names('your file' if name == 'user' else name for name in names)}")
    if number := reruns.get("check"):
        parts.append(_count(number, "trial of your model", "trials of your model"))
    if number := reruns.get("initialise"):
        parts.append(_count(number, "set of initial weights", "sets of initial weights"))
    if segments := reruns.get("train"):
        listed = "" if isinstance(segments, int) else f" ({_names(segments)})"
        parts.append(_count(segments, "segment", "segments") + listed)
    if measured := reruns.get("measure"):
        parts.append(f"the probes {', '.join(kind.replace('_', ' ') for kind in measured)}")
    if seeds := reruns.get("seeds"):
        parts[-1] += f", of the seeds {', '.join(seeds)} only"
    for key, words in (("tables", "tables"), ("claims", "claims")):
        if names := reruns.get(key):
            parts.append(f"{words} of {_names(names)}")
    for study, derived in reruns.get("derived", {}).items():
        parts.append(f"{_count(derived, 'derived table', 'derived tables')} of `{study}` ({_names(derived)})")
    for key, one, many in (("shown", "figure", "figures"), ("figures", "drawing", "drawings")):
        for study, figures in reruns.get(key, {}).items():
            parts.append(f"{_count(figures, one, many)} of `{study}` ({_names(figures)})")
    if names := reruns.get("joined"):
        parts.append("all joined tables" if set(names) == set(JOINED) else f"joined tables {_names(names)}")
    if reruns.get("report") and not reruns.get("joined"):
        parts.append("the report")
    text = "; ".join(parts) if parts else "nothing"
    return re.sub(r"\|", r"\|", text + (f" — {row['why']}" if "why" in row else ""))


def rendered() -> dict[Path, str]:
    """Return the page with the text that it should have."""
    return {PAGE: render()}
