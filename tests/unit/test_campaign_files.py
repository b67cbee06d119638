"""The campaigns that come with the project, the schema, and the manual agree with each other and with the code."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchlab.configuration import advise_key
from batchlab.configuration import campaign as configuration
from batchlab.configuration import catalogue as catalogue_module
from batchlab.configuration.campaign import load, read
from batchlab.configuration.catalogue import catalogue
from batchlab.configuration.schema import schema
from batchlab.errors import BatchlabError
from batchlab.planning import plan
from batchlab.planning.parts import INITIAL_NAME, TRAINED_NAME, Plan
from batchlab.planning.report_settings import report_spec

PROJECT = Path(__file__).resolve().parents[2]
CAMPAIGNS = sorted(path.name for path in (PROJECT / "config").glob("*.yaml"))


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Merge as Snakemake merges configuration files."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def campaign(name: str, **change: Any) -> Plan:
    own = yaml.safe_load((PROJECT / "config" / name).read_text()) | change
    return plan(load(merged(merged(catalogue(), advise_key.layer(own)), own)))


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


MINE: dict[str, Any] = {
    "campaign": "mine",
    "run": ["switch", "batch_size", "own", "another"],
    "batch_sizes": {"small": 16, "large": 64, "huge": 128, "medium": 32, "tiny": 8},
    "studies": {
        "own": {"title": "t", "question": "q", "arms": {"b": {}, "a": {"batch_size": 8}}},
        "another": {"title": "t", "question": "q", "arms": {"only": {}}},
        "switch": {
            "arms": {"mine": {"batch_size": 32}},
            "figures": {
                "mine": {"chart": "forest", "title": "", "caption": "", "table": "history", "y": "test_loss"},
                "final": {"caption": "My caption."},
                "accuracy": None,
            },
        },
    },
}


def as_snakemake_reads(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return what Snakemake makes of configuration files read one after the other."""
    from snakemake.utils import update_config

    config: dict[str, Any] = {}
    for layer in layers:
        update_config(config, copy.deepcopy(layer))
    return config


def test_every_way_to_give_a_campaign_is_one_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # as with `snakemake -s`, or as a module of another workflow
    mine = MINE
    known = catalogue()
    ways = [
        mine,
        as_snakemake_reads(mine, known, mine),  # --configfile, and `configfile:` of the workflow
        as_snakemake_reads(known, mine),  # both by `configfile:`
    ]
    read = [json.dumps(configuration.read(way)) for way in ways]
    assert read[0] == read[1] == read[2]
    switch = json.loads(read[0])["studies"]["switch"]
    assert list(switch["arms"]) == [*known["studies"]["switch"]["arms"], "mine"]
    assert list(switch["figures"])[-1] == "mine" and switch["figures"]["final"]["caption"] == "My caption."
    assert switch["figures"]["accuracy"] is None
    assert list(json.loads(read[0])["studies"])[-2:] == ["own", "another"]
    assert list(plan(json.loads(read[0])).studies) == MINE["run"]


def test_without_a_campaign_the_default_one_is_read() -> None:
    assert configuration.read({}) == configuration.read(yaml.safe_load((PROJECT / "config/quick.yaml").read_text()))
    assert configuration.read({"epochs": 3})["epochs"] == 3


def test_names_of_segments_are_those_of_published_results() -> None:
    """What was trained stays valid: a name is the digest of all settings, so one of them may not change unnoticed."""
    assert {
        "digits-mlp-initial-010a859708",
        "digits-cnn-initial-bffbb48203",
        "digits-cnn-sgd-b16-lr0.03-to8-94f41fd42c",
        "digits-lenet-sgd-b256-lr0.03-to8-5440215f15",
        "digits-mlp-adam-b16-lr0.001-to10-45a8ec0fc0",
        "digits-mlp-adam-b256-lr0.004-to30-6a8a8f7436",
        "digits-mlp-adam-b256-lr0.016-to30-3767cbca03",
    } <= campaign(
        "quick.yaml", run=["adam_rule", "accumulation", "architectures", "batch_norm", "growing_batch"]
    ).segments.keys()
    assert "mnist-mlp-initial-124da3ec50" in campaign("paper.yaml").segments


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


def test_the_manual_names_every_key() -> None:
    manual = (PROJECT / "config/README.md").read_text()
    missing = {key for key in schema_keys(schema()) if not re.search(rf"\b{key}\b", manual)}
    assert not missing


def test_two_files_of_the_catalogue_cannot_have_the_same_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_module, "FOLDER", tmp_path)
    (tmp_path / "a.yaml").write_text("run: [one]\nstudies: {one: {title: A}}\n")
    (tmp_path / "b.yaml").write_text("studies: {two: {title: B}}\n")
    assert catalogue() == {"run": ["one"], "studies": {"one": {"title": "A"}, "two": {"title": "B"}}}
    (tmp_path / "c.yaml").write_text("studies: {one: {title: C}}\n")
    with pytest.raises(BatchlabError, match=r"c\.yaml: studies\.one stands in another file"):
        catalogue()
    (tmp_path / "c.yaml").write_text("run: [two]\n")
    with pytest.raises(BatchlabError, match=r"c\.yaml: run stands in another file"):
        catalogue()


def test_what_names_a_study_that_was_taken_out_forgets_it() -> None:
    own = yaml.safe_load((PROJECT / "config/quick.yaml").read_text())
    own["run"].remove("accumulation")
    own["studies"] = {"accumulation": None}
    spec = report_spec(plan(configuration.read(own)))
    named = {study for each in (spec["advice"], *spec["statements"]) for study, _ in each["claims"]}
    assert "batch_size" in named and "accumulation" not in named


def test_a_file_without_the_name_of_its_campaign_is_refused(tmp_path: Path) -> None:
    """Its results would go to the folder of the default campaign."""
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 3\n")
    with pytest.raises(BatchlabError, match=r"mine\.yaml: the key 'campaign' is missing"):
        read({"epochs": 3}, [file])
    assert read({"epochs": 3})["campaign"] == "quick"  # `--config epochs=3`
