"""The campaigns that come with the project, the schema, and the manual agree with each other and with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchlab.configuration.campaign import load
from batchlab.configuration.schema import schema
from batchlab.declarations import find
from batchlab.planning import plan
from batchlab.planning.parts import INITIAL_NAME, TRAINED_NAME, Plan

PROJECT = Path(__file__).resolve().parents[2]
CAMPAIGNS = sorted(path.name for path in (PROJECT / "config").glob("*.yaml") if path.name != "studies.yaml")


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge as Snakemake merges configuration files."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def campaign(name: str) -> Plan:
    read = [yaml.safe_load((PROJECT / "config" / file).read_text()) for file in ("studies.yaml", name)]
    return plan(load(merged(*read)))


def schema_keys(schema: Any) -> set[str]:
    """Return every key that a campaign may contain."""
    if isinstance(schema, list):
        return {key for item in schema for key in schema_keys(item)}
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own | {key for item in schema.values() for key in schema_keys(item)}


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_campaigns_can_be_planned(name: str) -> None:
    planned = campaign(name)
    assert planned.campaign == Path(name).stem
    for study in planned.studies.values():
        assert study.arms
        for claim in study.claims.values():
            assert claim["expect"] != "equal" or "margin" in claim


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_names_tell_initial_weights_from_trained_segments(name: str) -> None:
    segments = campaign(name).segments.items()
    assert {found for found, segment in segments if segment.parent is None} == {
        found for found, _ in segments if re.fullmatch(INITIAL_NAME, found)
    }
    assert {found for found, segment in segments if segment.parent} == {
        found for found, _ in segments if re.fullmatch(TRAINED_NAME, found)
    }


@pytest.mark.parametrize("name", ["quick.yaml", "paper.yaml"])
def test_every_study_has_a_figure_and_a_claim(name: str) -> None:
    for study in campaign(name).studies.values():
        assert study.figures and study.claims, study.name


def test_the_schema_offers_what_is_in_the_folders() -> None:
    definitions = schema()["$defs"]
    for group, kind, folder, code in (
        ("probe", "probe", "probes", "measure.py"),
        ("figure", "chart", "charts", "draw.py"),
        ("derived_table", "derivation", "tables/derivations", "declaration.py"),
    ):
        there = {path.parent.name for path in (PROJECT / "scripts/batchlab" / folder).glob(f"*/{code}")}
        assert set(definitions[group]["properties"][kind]["enum"]) == there


def test_rules_scale_what_planning_scales() -> None:
    for name, rule in find.rules().items():
        assert set(rule.factors) <= {"learning_rate"}, name


def test_the_manual_names_every_key() -> None:
    manual = (PROJECT / "config/README.md").read_text()
    missing = {key for key in schema_keys(schema()) if not re.search(rf"\b{key}\b", manual)}
    assert not missing
