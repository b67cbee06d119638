"""The rerun table, `docs/reruns.yaml`: which keys its rows change, which jobs they expect, and its page.

`make docs` writes the page after the table has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from batchlab.configuration.schema import schema as campaign_schema
from batchlab.paths import PROJECT

TABLE = PROJECT / "docs" / "reruns.yaml"
PAGE = TABLE.with_suffix(".md")
JOINED = ("arms", "history", "distances", "summary", "comparisons", "claims")
_WORDS = {
    "gradient_norms": "gradient norms",
    "weight_drift": "weight drift",
    "running_statistics": "running statistics",
}


def load(path: Path = TABLE) -> list[dict[str, Any]]:
    """Return the sections of the table, each with `title` and `rows`."""
    sections: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["sections"]
    return sections


# Keys of the schema


def _alternatives(
    schema: Mapping[str, Any], node: Mapping[str, Any], name: str
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every form that a value may take, with the name of the definition that it comes from."""
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
        for form, _ in _alternatives(whole, node, name) if "$ref" not in node else ():
            for key, part in form.get("properties", {}).items():
                inner = f"{name}.{key}".lstrip(".")
                found.add(inner)
                walk(part, inner)

    walk(whole, "")
    for name, definition in whole["$defs"].items():
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
        `data`, `check`, `initialise`, `train`, `measure`, `tables`, `claims`, `joined`, `figures`, `report` and
        `seeds`, as far as there is something: sorted lists of names, a number of jobs where the row gives a number,
        mappings of these.
    """
    tables = list(reruns.get("tables", ()))
    claims = sorted({*tables, *reruns.get("claims", ())})
    drawn = {study: [name for name, item in _figures(campaign, study).items() if item is not None] for study in tables}
    figures = {**reruns.get("figures", {}), **drawn}
    joined = {*reruns.get("joined", ()), *(JOINED if tables else ()), *(["claims"] if claims else ())}
    jobs = {
        **{key: reruns.get(key) for key in ("data", "check", "initialise", "train", "measure", "seeds")},
        "tables": sorted(tables),
        "claims": claims,
        "joined": sorted(joined),
        "figures": {study: sorted(names) for study, names in figures.items() if names},
        "report": bool(reruns.get("report") or joined or figures),
    }
    return {key: sorted(value) if isinstance(value, list) else value for key, value in jobs.items() if value}


def _figures(campaign: Mapping[str, Any], study: str) -> dict[str, Any]:
    figures: dict[str, Any] = campaign["studies"][study].get("figures", {})
    return figures


# The page


def render(sections: Iterable[Mapping[str, Any]] | None = None) -> str:
    """Return the page for readers."""
    lines = [_INTRODUCTION.strip()]
    for section in sections or load():
        lines += ["", f"## {section['title']}", "| I changed | what runs |", "|---|---|"]
        lines += [f"| {row['changed']} | {_cell(row)} |" for row in section["rows"]]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """
# I changed X: what reruns?
A changed parameter reruns exactly the steps that depend on it. A comment, a file time or a checkout reruns nothing.
An edited helper reruns exactly its dependents. `make plan` tells what would run, and why, without running it.

This page is rendered from [reruns.yaml](reruns.yaml) by `make docs`. A test makes every one of these changes in a copy
of the project and compares the jobs of a dry run with this table; a key of the configuration without a row fails a
test. The names are those of the test's campaign, [rerun_campaign.yaml](../tests/workflow/rerun_campaign.yaml): the
studies `sizes` and `switch` train the model `mlp` on `digits`; `mine` trains a user's model and one with batch
normalisation on a user's file.

What follows from the flow of data is not repeated below: new tables of a study are followed by its claims, its figures,
the joined tables and the report; new claims by the joined claims and the report; a new figure by the report.
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
        parts.append(f"the probes {', '.join(_WORDS.get(kind, kind) for kind in measured)}")
    if seeds := reruns.get("seeds"):
        parts[-1] += f", of the seeds {', '.join(seeds)} only"
    for key, words in (("tables", "tables"), ("claims", "claims")):
        if names := reruns.get(key):
            parts.append(f"{words} of {_names(names)}")
    for study, figures in reruns.get("figures", {}).items():
        parts.append(f"{_count(figures, 'figure', 'figures')} of `{study}` ({_names(figures)})")
    if names := reruns.get("joined"):
        parts.append("all joined tables" if set(names) == set(JOINED) else f"joined tables {_names(names)}")
    if reruns.get("report") and not reruns.get("joined"):
        parts.append("the report")
    text = "; ".join(parts) if parts else "nothing"
    return re.sub(r"\|", r"\|", text + (f" — {row['why']}" if "why" in row else ""))


def rendered() -> dict[Path, str]:
    """Return the page with the text that it should have."""
    return {PAGE: render()}
