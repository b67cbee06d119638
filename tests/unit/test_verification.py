"""Verification: each kind of damage is found and named, and what is intact is not accused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.evidence import (
    ALL,
    COMPUTED,
    DRAWN,
    FIGURE,
    HISTORY,
    JOINED,
    MERGED,
    NUMBERS,
    SEGMENT,
    STATE,
    STUDY,
    TABLE,
    TABLES,
    build,
    put_on_record,
)

from batchlab.declarations import find
from batchlab.files import sha256_of, write_json
from batchlab.paths import LIBRARY
from batchlab.tables import base
from batchlab.verification import recompute as recomputing
from batchlab.verification import tolerances
from batchlab.verification.agreement import Artefact, Evidence, changes, examine
from batchlab.verification.audit import audit, choose
from batchlab.verification.comparison import columns_of, compare
from batchlab.verification.recompute import platform_differences, recompute


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return build(tmp_path, monkeypatch)


def found(made: Artefact) -> Evidence:
    return examine(made, sha256_of)


def only(made: Artefact) -> str:
    """Return the one difference of an artefact as text."""
    differences = found(made).differences
    assert len(differences) == 1, differences
    return str(differences[0])


def edit_record(made: Artefact, change: Callable[[dict[str, Any]], object]) -> None:
    path = made.record
    record = json.loads(path.read_text())
    change(record)
    write_json(path, record)


def test_what_is_intact_is_not_accused(project: Path) -> None:
    for made in ALL:
        evidence = found(made)
        assert evidence.differences == [] and evidence.can_be_recomputed and not evidence.absent


def test_a_cell_edited_by_hand_is_found_in_the_table_and_in_what_was_made_of_it(project: Path) -> None:
    Path(TABLE).write_text("study,seed,test_accuracy\none,0,0.99\n")
    assert only(STUDY).startswith(f"{TABLE}: was edited, damaged or replaced (sha256 ")
    assert only(COMPUTED).startswith(f"{NUMBERS}: was made from another {TABLE} (sha256 ")


def test_a_truncated_snapshot_is_found(project: Path) -> None:
    Path(STATE).write_bytes(Path(STATE).read_bytes()[:-20])
    assert only(SEGMENT).startswith(f"{STATE}: was edited, damaged or replaced")


def test_a_figure_of_an_older_table_is_found_even_with_its_own_record(project: Path) -> None:
    Path(TABLE).write_text("study,seed,test_accuracy\none,0,0.95\n")
    put_on_record(STUDY)
    assert found(STUDY).differences == []
    assert "was made from another" in only(COMPUTED)
    put_on_record(COMPUTED)
    Path(NUMBERS).write_text("epoch,mean\n1,0.95\n")
    put_on_record(COMPUTED)
    assert f"was made from another {NUMBERS}" in only(DRAWN)


def test_a_file_without_record_is_found(project: Path) -> None:
    DRAWN.record.unlink()
    assert only(DRAWN).startswith(f"{FIGURE}: has no record")


def test_an_edited_record_is_found(project: Path) -> None:
    edit_record(STUDY, lambda record: record["outputs"]["tables"]["files"]["history.csv"].update(sha256="0" * 64))
    assert f"{TABLE}: was edited, damaged or replaced (sha256 000000000000…" in only(STUDY)
    edit_record(DRAWN, lambda record: record["inputs"]["data"].update(sha256="0" * 64))
    assert f"was made from another {NUMBERS} (sha256 000000000000…" in only(DRAWN)
    edit_record(SEGMENT, lambda record: record["outputs"].pop("history"))
    assert only(SEGMENT).startswith(f"{HISTORY}: is not in the record")


@pytest.mark.parametrize("key", ["spec", "outputs", "packages"])
def test_a_record_that_lacks_something_is_found(project: Path, key: str) -> None:
    edit_record(STUDY, lambda record: record.pop(key))
    assert f"is not a record that can be used ({key} is missing" in only(STUDY)
    assert not found(STUDY).absent


def test_a_record_of_another_form_is_found(project: Path) -> None:
    edit_record(STUDY, lambda record: record.update(outputs={"history": "0" * 64}))
    assert "outputs does not give path and sha256" in only(STUDY)
    STUDY.record.write_text('{"spec": ')
    assert only(STUDY).startswith("results/c/tables/one/provenance.json: is not a record that can be used")


def test_a_file_missing_in_a_folder_and_one_too_many_are_found(project: Path) -> None:
    Path(TABLES, ".snakemake_timestamp").touch()
    assert found(STUDY).differences == []
    Path(TABLE).rename(Path(TABLES, "other.csv"))
    assert [str(each).partition(";")[0] for each in found(STUDY).differences] == [
        f"{TABLE}: is missing, but its record is there",
        f"{TABLES}/other.csv: is not in the record of its job",
    ]
    assert found(COMPUTED).missing_inputs == [TABLE] and found(COMPUTED).differences == []
    shutil.rmtree(TABLES)
    assert found(STUDY).absent and found(COMPUTED).missing_inputs == [TABLE]


def test_a_missing_file_is_found_but_nothing_at_all_is_only_absent(project: Path) -> None:
    Path(HISTORY).unlink()
    assert only(SEGMENT) == f"{HISTORY}: is missing, but its record is there; run the campaign again"
    Path(STATE).unlink()
    SEGMENT.record.unlink()
    assert found(SEGMENT).absent and found(SEGMENT).differences == []


def test_missing_inputs_are_counted_not_blamed(project: Path) -> None:
    shutil.rmtree("results/segments")
    evidence = found(STUDY)
    assert evidence.differences == [] and evidence.missing_inputs == [HISTORY]
    assert not evidence.can_be_recomputed


def test_other_settings_and_other_code_are_named(project: Path) -> None:
    edit_record(SEGMENT, lambda record: record["spec"]["optimizer"].update(momentum=0.5))
    assert "was made with other settings (optimizer.momentum: 0.5 recorded, 0.9 planned)" in only(SEGMENT)
    edit_record(DRAWN, lambda record: record.update(code="0ld"))
    assert "was made with other code (digest 0ld recorded, c0de now)" in only(DRAWN)
    edit_record(STUDY, lambda record: record.update(environment="0ld"))
    assert "was made with other locked versions of packages" in only(STUDY)


@pytest.mark.parametrize(("key", "value"), [("seeds", [7]), ("rule", "another"), ("identity", "abc")])
def test_a_record_that_tells_something_else_than_what_was_made_is_found(project: Path, key: str, value: Any) -> None:
    made = dataclasses.replace(SEGMENT, identity=["initial", "s"], spec={**SEGMENT.spec, "seeds": [0]})
    edit_record(made, lambda record: record.update(identity=made.identity, spec=made.spec, seeds=[0]))
    assert found(made).differences == []
    edit_record(made, lambda record: record.update({key: value}))
    assert f"was made with {key}" in only(made) and "but its record says" in only(made)


def test_tables_of_segments_of_other_code_are_found_without_the_segments(project: Path) -> None:
    made = dataclasses.replace(STUDY, made_from={"code": ["a", "b"], "environment": ["e"]})
    shutil.rmtree("results/segments")
    edit_record(made, lambda record: record.update(made_from={"code": ["a", "b"], "environment": ["e"], "python": []}))
    assert found(made).differences == []
    edit_record(made, lambda record: record["made_from"].update(code=["a"]))
    assert (
        only(made) == f"{TABLES}: was made from what was made with other code; run the campaign to bring it up to date"
    )


def test_changes_name_what_only_one_side_has() -> None:
    assert changes({"a": [1, 2]}, {"a": [1, 3], "b": 0}) == ["a[1]: 2 recorded, 3 planned", "b: planned, not recorded"]
    assert changes({"a": [1]}, {"a": [1, 2]}) == ["a: [1] recorded, [1, 2] planned"]
    assert changes({"a": 1}, {}) == ["a: recorded, not planned"]


def spec_of(made: tuple[Artefact, ...], **settings: Any) -> dict[str, Any]:
    artefacts = [vars(each) for each in made]
    return {"campaign": "c", "folder": "results/c", "sample": 0, "seed": 1, "artefacts": artefacts, **settings}


def test_an_audit_says_what_it_did_not_check(project: Path) -> None:
    shutil.rmtree("results/segments")
    Path("results/c/tables/old.csv").write_text("a\n")
    for made in (COMPUTED, DRAWN, JOINED):  # nothing to make again: their scripts do not fit these files
        made.record.unlink()
        Path(made.name).unlink()
    edit_record(STUDY, lambda record: record.update(not_as_locked={"numpy": "1 is installed, 2 is in the lock"}))
    lines: list[str] = []
    assert audit(spec_of((SEGMENT, STUDY, JOINED, COMPUTED, DRAWN)), lines.append) == []
    text = "\n".join(lines)
    assert "not checked, not found: 1 segment, 1 table, 1 figure's data, 1 figure" in text
    assert "not checked, not found: 1 input;" in text
    assert "not checked, not planned: 1 file (results/c/tables/old.csv)" in text
    assert "warning: numpy 1 is installed, 2 is in the lock (1 artefact)" in text
    assert lines[-1] == "0 differences found"


def test_nothing_to_verify_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    assert len(audit(spec_of(ALL), lines.append)) == 1
    assert lines[-1] == "difference: results/c: holds nothing to verify; run the campaign first"


def test_the_sample_follows_from_its_seed_and_leaves_out_what_is_damaged() -> None:
    def segment(number: int) -> Evidence:
        name = f"results/segments/{number}/state.npz"
        return Evidence(Artefact("segments", "r", "s.py", name, {"state": name}, {}, "c", "e"), record={})

    many = [segment(number) for number in range(20)]
    many[3].missing_inputs.append("x")
    first = [evidence.artefact.name for evidence in choose(many, 5, 7)]
    assert first == [evidence.artefact.name for evidence in choose(many[::-1], 5, 7)] and len(first) == 5
    assert first != [evidence.artefact.name for evidence in choose(many, 5, 8)]
    assert len(choose(many, 100, 7)) == 19


# Recomputation.


@pytest.fixture
def joined(project: Path) -> Path:
    """The project, with the scripts that a job may need."""
    (project / "scripts").symlink_to(LIBRARY.parent)
    return project


def test_a_job_made_again_gives_the_same_bytes_and_touches_nothing(joined: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in joined.rglob("*")}
    result = recompute([found(JOINED)], lambda line: None)
    assert result.differences == [] and [evidence.artefact for evidence in result.bitwise] == [JOINED]
    assert {path: path.stat().st_mtime_ns for path in joined.rglob("*")} == before


def test_a_table_edited_together_with_its_record_is_found_by_making_it_again(joined: Path) -> None:
    Path(MERGED).write_text("study,seed,test_accuracy\none,0,0.95\n")
    put_on_record(JOINED)
    assert found(JOINED).differences == []
    (difference,) = recompute([found(JOINED)], lambda line: None).differences
    assert difference.file == MERGED
    assert difference.what == "recomputed bit by bit: row 1, test_accuracy: 0.95 recorded, 0.9 recomputed"


def test_elsewhere_a_rounding_error_is_accepted_and_the_platforms_are_named(joined: Path) -> None:
    Path(MERGED).write_text("study,seed,test_accuracy\none,0,0.90000001\n")
    put_on_record(JOINED)
    edit_record(JOINED, lambda record: record["host"].update(processor="abacus"))
    result = recompute([found(JOINED)], lambda line: None)
    assert result.differences == [] and result.bitwise == []
    assert result.within[MERGED][0].startswith("processor: abacus recorded")


FOLDER = """
from batchlab.records.job import job

with job(snakemake, folder=True) as this:
    for name in ("history.csv",):
        with open(this.output["tables"] + "/" + name, "w") as file:
            file.write("study,seed,test_accuracy\\none,0,0.9\\n")
"""


@pytest.fixture
def own_scripts(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scripts of the project's own, one of which makes a folder."""
    scripts = project / "scripts"
    scripts.mkdir()
    (scripts / "batchlab").symlink_to(LIBRARY)
    (scripts / "tabulate_study.py").write_text(FOLDER)
    monkeypatch.setattr(recomputing, "SCRIPTS", scripts)
    return scripts


def test_a_folder_is_made_again_and_compared_file_by_file(own_scripts: Path) -> None:
    result = recompute([found(STUDY)], lambda line: None)
    assert result.differences == [] and [evidence.artefact for evidence in result.bitwise] == [STUDY]
    Path(TABLE).write_text("study,seed,test_accuracy\none,0,0.95\n")
    put_on_record(STUDY)
    (difference,) = recompute([found(STUDY)], lambda line: None).differences
    assert difference.file == TABLE
    assert difference.what == "recomputed bit by bit: row 1, test_accuracy: 0.95 recorded, 0.9 recomputed"


@pytest.mark.parametrize(
    ("files", "file", "what"),
    [
        ('("history.csv", "more.csv")', f"{TABLES}/more.csv", "was not there before"),
        ('("more.csv",)', TABLE, "is not among the recomputed files"),
    ],
)
def test_other_files_in_a_folder_are_found(own_scripts: Path, files: str, file: str, what: str) -> None:
    (own_scripts / "tabulate_study.py").write_text(FOLDER.replace('("history.csv",)', files))
    differences = recompute([found(STUDY)], lambda line: None).differences
    assert f"recomputed bit by bit: {what}" in [each.what for each in differences if each.file == file]


def test_a_job_that_fails_says_why(joined: Path) -> None:
    Path(TABLE).write_text("")
    for made in (STUDY, JOINED):
        put_on_record(made)
    (difference,) = recompute([found(JOINED)], lambda line: None).differences
    assert difference.file == MERGED and "cannot be made again here" in difference.what
    assert "the table is empty" in difference.what


def test_packages_of_one_process_only_are_no_other_platform() -> None:
    here = {"python": "3.11.7", "host": {"machine": "x"}, "packages": {"numpy": "2.4.6"}}
    assert platform_differences({**here, "packages": {"numpy": "2.4.6", "snakemake": "9.27.1"}}, here) == []
    assert platform_differences({**here, "packages": {"numpy": "2.3.0"}}, here) == ["numpy: 2.3.0 recorded, 2.4.6 here"]


# Comparison of two files.

ARRAYS: dict[str, Any] = {
    "weights/kernel": np.linspace(1, 2, 6, dtype=np.float32).reshape(2, 3),
    "optimizer/iterations": np.array([5, 5]),
    "optimizer/momentum": np.ones((2, 3), np.float32),
    "position/seeds": np.array([0, 1]),
    "position/seconds": np.array([1.0, 2.0]),
}


def snapshots(folder: Path, **changed: Any) -> tuple[Path, Path]:
    old, new = folder / "old.npz", folder / "new.npz"
    np.savez(old, **ARRAYS)
    np.savez(new, **{**ARRAYS, **{key.replace("__", "/"): value for key, value in changed.items()}})
    return old, new


def test_snapshots_agree_to_the_last_bit_but_for_measured_times(tmp_path: Path) -> None:
    old, new = snapshots(tmp_path, position__seconds=np.array([9.0, 9.0]))
    assert compare("segments", old, new, None) == ""
    kernel = ARRAYS["weights/kernel"].copy()
    kernel[1, 2] = np.nextafter(kernel[1, 2], np.float32(9))
    old, new = snapshots(tmp_path, weights__kernel=kernel)
    assert compare("segments", old, new, None) == "weights/kernel: 1 of 6 values differ"
    assert compare("segments", old, new, "float32") == ""


def test_elsewhere_weights_may_drift_and_counters_may_not(tmp_path: Path) -> None:
    moved = ARRAYS["weights/kernel"] * np.float32([[1.0], [1.2]])
    old, new = snapshots(tmp_path, weights__kernel=moved)
    assert compare("segments", old, new, "float32").startswith("seed 1: the weights differ by 0.2 of their norm")
    assert compare("segments", *snapshots(tmp_path, weights__kernel=ARRAYS["weights/kernel"] * 1.0001), "float64")
    old, new = snapshots(tmp_path, optimizer__iterations=np.array([5, 6]))
    assert compare("segments", old, new, "float32") == "optimizer/iterations: 1 of 2 values differ"


def test_an_unreadable_snapshot_differs(tmp_path: Path) -> None:
    old, new = snapshots(tmp_path)
    old.write_bytes(old.read_bytes()[:100])
    assert "are in one of both snapshots only" in compare("segments", old, new, None)


def tables(folder: Path, recorded: str, found: str) -> tuple[Path, Path]:
    old, new = folder / "old.csv", folder / "new.csv"
    old.write_text(recorded)
    new.write_text(found)
    return old, new


@pytest.mark.parametrize(
    ("kind", "column", "recorded", "found", "precision", "differs"),
    [
        ("segments", "seconds", "1.5", "2.5", None, False),
        ("tables", "seconds", "1.5", "2.5", None, True),
        ("segments", "test_loss", "0.5", "0.500000001", None, True),
        ("segments", "test_loss", "0.5", "0.52", "float32", False),
        ("segments", "test_loss", "0.5", "0.6", "float32", True),
        ("segments", "test_loss", "0.5", "0.50001", "float64", True),
        ("segments", "test_accuracy", "0.90", "0.91", "float32", False),
        ("segments", "test_accuracy", "0.90", "0.93", "float32", True),
        ("segments", "test_loss", "", "0.5", "float32", True),
        ("segments", "updates", "100", "101", "float32", True),
        ("claims", "verdict", "supported", "contradicted", "float32", True),
        ("claims", "measured", "0.5", "0.50001", "float32", True),
        ("claims", "measured", "0.5", "0.5000000001", "float32", False),
    ],
)
def test_cells_of_tables(
    tmp_path: Path, kind: str, column: str, recorded: str, found: str, precision: str | None, differs: bool
) -> None:
    old, new = tables(tmp_path, f"{column}\n{recorded}\n", f"{column}\n{found}\n")
    assert bool(compare(kind, old, new, precision)) is differs


def test_what_no_platform_may_change_is_declared_with_the_columns() -> None:
    exact = ("seed", "epoch", "updates", "examples", "batch_size", "accumulation", "learning_rate", "trial")
    measured = ("seconds", *(f"{split}_accuracy" for split in ("train", "validation", "test")))
    for table in (*base.JOINED, *(table for probe in find.probes().values() for table in probe.tables)):
        columns = columns_of(table.name)
        assert set(table.names) <= columns.keys()
        for name in table.names:
            assert columns[name].exact or name not in exact, (table.name, name)
            assert not columns[name].exact or name not in measured, (table.name, name)
    assert columns_of("history")["seconds"].clock and columns_of("history")["test_accuracy"].bounds == (0, 1)


def test_other_columns_or_rows_differ(tmp_path: Path) -> None:
    assert compare("tables", *tables(tmp_path, "a,b\n1,2\n", "a\n1\n"), None) == "columns a, b recorded, a recomputed"
    assert compare("tables", *tables(tmp_path, "a\n1\n", "a\n1\n1\n"), "float32") == "1 rows recorded, 2 recomputed"


def test_drawings_are_compared_where_they_can_be(tmp_path: Path) -> None:
    for ending in ("svg", "png", "html"):
        old, new = tmp_path / f"old.{ending}", tmp_path / f"new.{ending}"
        old.write_text("1")
        new.write_text("2")
        assert compare("figures", old, new, None) == "the recomputed file has other bytes"
        assert compare("figures", old, new, "float32") == ""


def test_elsewhere_the_data_of_a_figure_must_agree(tmp_path: Path) -> None:
    old, new = tmp_path / "old.vl.json", tmp_path / "new.vl.json"
    old.write_text(json.dumps({"$schema": "v5", "data": [{"x": 1.0, "arm": "a"}]}))
    new.write_text(json.dumps({"$schema": "v6", "data": [{"x": 1.0000000001, "arm": "a"}]}))
    assert compare("figures", old, new, None) == "the recomputed file has other bytes"
    assert compare("figures", old, new, "float32") == ""
    new.write_text(json.dumps({"$schema": "v6", "data": [{"x": 1.0, "arm": "b"}]}))
    assert compare("figures", old, new, "float32") == "the figure.data[0].arm is not what was recorded"


def test_the_page_on_provenance_shows_the_tolerances_that_hold() -> None:
    page = LIBRARY.parents[1] / "docs/provenance.md"
    assert tolerances.markdown() in page.read_text(encoding="utf-8")
