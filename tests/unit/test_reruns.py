"""The rerun table: every key has a row, and the page is the table."""

from __future__ import annotations

import copy
import json

import pytest
from unit.campaigns import raw

from batchlab.configuration.campaign import load
from batchlab.configuration.schema import schema as campaign_schema
from batchlab.pages import reruns

WHOLE = campaign_schema()
SECTIONS = reruns.load()


def without_row(schema: dict) -> set[str]:
    """Return the keys of a schema that no row of the table changes."""
    changed = {key for section in SECTIONS for row in section["rows"] for key in reruns.keys_changed(row["change"])}
    return reruns.schema_keys(schema) - changed


def test_every_key_of_the_schema_has_a_row() -> None:
    assert without_row(WHOLE) == set()


@pytest.mark.parametrize(
    ("place", "key"),
    [
        (("properties",), "new"),
        (("$defs", "figure", "properties"), "figure.new"),
        (("$defs", "probe", "properties", "arms", "properties"), "probe.arms.new"),
    ],
)
def test_a_new_key_without_a_row_is_found(place: tuple[str, ...], key: str) -> None:
    schema = copy.deepcopy(WHOLE)
    node = schema
    for part in place:
        node = node[part]
    node["new"] = {"type": "string"}
    assert without_row(schema) == {key}


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("seeds.count", {"seeds", "seeds.count"}),
        ("studies.a.arms.b.batch_size", {"studies", "study.arms", "recipe.batch_size"}),
        ("studies.a.arms.b.phases.0.epochs", {"studies", "study.arms", "recipe.phases", "phase.epochs"}),
        ("studies.a.figures.b.where.epoch.min", {"studies", "study.figures", "figure.where", "range.min"}),
    ],
)
def test_a_path_is_resolved_to_keys(path: str, keys: set[str]) -> None:
    assert reruns.key_of(path) == keys


def test_names_of_rows_are_unique() -> None:
    names = [row["name"] for section in SECTIONS for row in section["rows"]]
    assert len(names) == len(set(names))


def test_what_follows_from_the_flow_of_data() -> None:
    campaign = {"studies": {"one": {"figures": {"b": {}, "a": {}, "gone": None}}, "two": {}}}
    assert reruns.expected({}, campaign) == {}
    assert reruns.expected({"figures": {"one": ["a"]}}, campaign) == {"figures": {"one": ["a"]}, "report": True}
    assert reruns.expected({"claims": ["two"]}, campaign) == {"claims": ["two"], "joined": ["claims"], "report": True}
    assert reruns.expected({"train": 2, "tables": ["one"]}, campaign) == {
        "train": 2,
        "tables": ["one"],
        "claims": ["one"],
        "joined": sorted(reruns.JOINED),
        "shown": {"one": ["a", "b"]},
        "figures": {"one": ["a", "b"]},
        "report": True,
    }


def test_whole_numbers_are_one_setting_except_in_data_sets() -> None:
    digits = {"name": "digits", "validation": 0.0}
    config = load(raw(epochs=6.0, batch_sizes__small=16.0, datasets={"digits": digits}))
    assert json.dumps([config["epochs"], config["batch_sizes"]["small"]]) == "[6, 16]"
    assert json.dumps(config["datasets"]["digits"]["validation"]) == "0.0"
    assert load(raw(optimizers__sgd__nesterov=True))["optimizers"]["sgd"]["nesterov"] is True
