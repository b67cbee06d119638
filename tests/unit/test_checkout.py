"""Results that came with a checkout: what their records say decides, not file times or Snakemake's memory."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from batchlab.files import sha256_of, write_json
from batchlab.records import provenance
from batchlab.records.checkout import order_file_times, settings_file, settings_of_shared

STATE = "results/segments/s/seeds-0-0/state.npz"
TABLE = "results/c/tables/one/arms.csv"
FIGURE = "results/c/figures/one/a.svg"
CODE = {"code": "c0de", "environment": "e0e0"}
PLANNED: dict[str, Any] = {**CODE, "spec": {"study": "one"}, "made_from": {"code": ["a", "b"], "environment": ["e"]}}
SETTINGS = "results/c/settings/tabulate/one.json"


def put(artefact: str, inputs: tuple[str, ...] = (), **more: Any) -> None:
    """Write an artefact with the record of a job of this checkout."""
    path = Path(artefact)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(artefact)
    record = {
        **dict.fromkeys(("rule", "started", "ended", "python"), "x"),
        **{key: {} for key in ("spec", "host", "packages", "not_as_locked", "git")},
        **CODE,
        "threads": 1,
        "checkout": provenance.checkout_name(),
        "inputs": {"files": [{"path": name, "sha256": sha256_of(name)} for name in inputs]},
        "outputs": {"first": {"path": artefact, "sha256": sha256_of(artefact)}},
        **more,
    }
    write_json(provenance.record_path(artefact), record)


def forget() -> None:
    """Lose Snakemake's memory, as a fresh checkout has none."""
    shutil.rmtree(".snakemake")
    provenance.checkout_name.cache_clear()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    provenance.checkout_name.cache_clear()
    put(STATE)
    put(TABLE, (STATE,), spec=PLANNED["spec"], made_from={**PLANNED["made_from"], "python": ["3.13"]})
    put(FIGURE, (TABLE,))


def newer(settings: str, artefact: str) -> bool:
    return Path(settings).stat().st_mtime > Path(artefact).stat().st_mtime


@pytest.mark.parametrize(
    ("change", "outdated"),
    [
        ({}, False),
        ({"spec": {"study": "two"}}, True),
        ({"code": "other"}, True),
        ({"environment": "other"}, True),
        ({"made_from": {"code": ["a"], "environment": ["e"]}}, True),
        ({"made_from": {"code": ["a", "b"], "environment": ["f"]}}, True),
    ],
)
def test_tables_of_other_settings_are_outdated(change: dict[str, Any], outdated: bool) -> None:
    assert newer(settings_file(SETTINGS, TABLE, {**PLANNED, **change}), TABLE) == outdated


def test_a_settings_file_that_came_with_the_checkout_says_nothing() -> None:
    settings_file(SETTINGS, TABLE, PLANNED)
    forget()
    Path(SETTINGS).touch()
    assert not newer(settings_file(SETTINGS, TABLE, PLANNED), TABLE)
    other = {**PLANNED, "code": "other"}
    settings_file(SETTINGS, TABLE, other)
    os.utime(SETTINGS, (0, 0))
    assert newer(settings_file(SETTINGS, TABLE, other), TABLE)


def test_results_that_come_after_the_plan_are_judged_too() -> None:
    shutil.move("results", "elsewhere")
    forget()
    settings_file(SETTINGS, TABLE, PLANNED)
    order_file_times("results/c")
    shutil.copytree("elsewhere", "results", dirs_exist_ok=True)
    os.utime(STATE)
    order_file_times("results/c")
    assert not newer(settings_file(SETTINGS, TABLE, PLANNED), TABLE)
    assert newer(TABLE, STATE)


def test_what_has_no_record_is_of_unknown_origin() -> None:
    text = Path(settings_file(SETTINGS, TABLE, PLANNED)).read_text()
    provenance.record_path(TABLE).unlink()
    assert newer(settings_file(SETTINGS, TABLE, PLANNED), TABLE)
    assert Path(SETTINGS).read_text() != text
    provenance.record_path(STATE).write_text("[]")
    assert settings_of_shared(STATE, CODE) != []


def test_a_segment_has_a_settings_file_only_if_it_came_from_elsewhere_with_other_code() -> None:
    other = {**CODE, "code": "other"}
    assert settings_of_shared(STATE, CODE) == settings_of_shared(STATE, other) == []
    forget()
    assert settings_of_shared(STATE, CODE) == []
    [settings] = settings_of_shared(STATE, other)
    assert newer(settings, STATE)
    # The change taken back, the segment is as planned again.
    assert settings_of_shared(STATE, CODE) == [settings] and not newer(settings, STATE)


def test_a_settings_file_stays_once_it_was_an_input() -> None:
    forget()
    other = {**CODE, "code": "other"}
    [settings] = settings_of_shared(STATE, other)
    put(STATE, **other)
    assert settings_of_shared(STATE, other) == [settings] and not newer(settings, STATE)
    Path(STATE).unlink()
    assert settings_of_shared(STATE, other) == [settings]


def test_times_are_put_in_order_once() -> None:
    for age, path in enumerate((FIGURE, TABLE, STATE)):
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    forget()
    order_file_times("results/c")
    assert newer(FIGURE, TABLE) and newer(TABLE, STATE)
    Path(STATE).touch()
    order_file_times("results/c")
    assert newer(STATE, TABLE)


def test_an_edited_file_stays_newer_than_what_is_made_from_it() -> None:
    Path(TABLE).write_text("edited")
    os.utime(TABLE, (1_000_000, 1_000_000))
    order_file_times("results/c")
    assert newer(TABLE, FIGURE) and newer(TABLE, STATE)


def test_times_in_order_are_left_alone() -> None:
    before = [Path(path).stat().st_mtime_ns for path in (STATE, TABLE, FIGURE)]
    order_file_times("results/c")
    assert [Path(path).stat().st_mtime_ns for path in (STATE, TABLE, FIGURE)] == before


def test_records_that_name_each_other_do_no_harm() -> None:
    record = json.loads(provenance.record_path(STATE).read_text())
    record["inputs"] = {"files": [{"path": FIGURE, "sha256": "0" * 64}]}
    write_json(provenance.record_path(STATE), record)
    os.utime(FIGURE, (1_000_000, 1_000_000))
    order_file_times("results/c")
