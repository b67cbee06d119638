"""The crate: complete by its profiles, only of intact results, and the same bytes each time."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from unit.crates import DESCRIPTOR, problems
from unit.evidence import ALL, DATA, DRAWN, FIGURE, HISTORY, NUMBERS, STATE, STUDY, TABLE, TABLES, build

from batchlab.errors import BatchlabError
from batchlab.paths import LIBRARY
from batchlab.records.reach import Library, Reach
from crate.archive import write
from crate.contents import media_type, workflow_files

PROJECT = LIBRARY.parents[1]
TARGET = "results/crates/c.crate.zip"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with results, the scripts that made them, and a Snakefile."""
    build(tmp_path, monkeypatch)
    for name in ("Snakefile", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, name)
    Path("scripts").mkdir()
    for made in ALL:
        shutil.copy(PROJECT / "scripts" / made.script, "scripts")
    return tmp_path


def spec(**settings: Any) -> dict[str, Any]:
    jobs = [vars(made) for made in ALL]
    config = json.dumps({"campaign": "c"})
    return {"campaign": "c", "title": "A campaign", "summary": "", "config": config, "jobs": jobs, **settings}


def unpacked(project: Path) -> Path:
    with zipfile.ZipFile(TARGET) as archive:
        archive.extractall(project / "unpacked")
    return project / "unpacked"


def test_a_crate_has_all_that_its_profiles_ask_for(project: Path) -> None:
    assert write(TARGET, spec()) == len(zipfile.ZipFile(TARGET).namelist())
    assert problems(unpacked(project)) == []


def test_segments_are_described_but_not_packed_and_their_records_lie_elsewhere(project: Path) -> None:
    write(TARGET, spec())
    names = set(zipfile.ZipFile(TARGET).namelist())
    assert {TABLE, FIGURE, DATA, "campaign.json", str(STUDY.record)} <= names
    assert not any(name.startswith("results/segments") for name in names)
    assert "records/segments/s/seeds-0-0/state.provenance.json" in names
    graph = {entity["@id"]: entity for entity in json.loads((unpacked(project) / DESCRIPTOR).read_text())["@graph"]}
    assert graph[f"#{STATE}"]["@type"] == "CreativeWork"
    assert graph[f"#job-{TABLES}"]["object"] == {"@id": f"#{HISTORY}"}
    assert {"@id": f"#{HISTORY}"} in graph[f"#job-{STATE}"]["result"]


def test_the_same_results_give_the_same_bytes(project: Path) -> None:
    write(TARGET, spec())
    first = Path(TARGET).read_bytes()
    write(TARGET, spec())
    assert Path(TARGET).read_bytes() == first


def test_results_of_a_checkout_without_data_and_segments_can_be_packed(project: Path) -> None:
    shutil.rmtree("results/segments")
    shutil.rmtree("results/data")
    write(TARGET, spec())
    assert problems(unpacked(project)) == []


@pytest.mark.parametrize(("damaged", "why"), [(TABLE, "was edited"), (STATE, "was edited"), (DATA, "was edited")])
def test_damaged_results_are_not_packed(project: Path, damaged: str, why: str) -> None:
    Path(damaged).write_bytes(b"x")
    with pytest.raises(BatchlabError, match=f"{damaged}: {why}"):
        write(TARGET, spec())
    assert not Path(TARGET).exists()


def test_incomplete_results_are_not_packed(project: Path) -> None:
    Path(FIGURE).unlink()
    DRAWN.record.unlink()
    with pytest.raises(BatchlabError, match=f"{FIGURE}: is missing; run the campaign c first"):
        write(TARGET, spec())


def test_the_check_of_crates_finds_what_is_wrong(project: Path) -> None:
    write(TARGET, spec())
    folder = unpacked(project)
    (folder / TABLE).write_text("edited\n")
    (folder / "stray.txt").write_text("\n")
    metadata = json.loads((folder / DESCRIPTOR).read_text())
    graph = {entity["@id"]: entity for entity in metadata["@graph"]}
    del graph["./"]["license"], graph["#run"]["result"]
    graph["#step-draw_figure"]["position"] = "0"
    graph["Snakefile"]["programmingLanguage"] = {"@id": "https://spdx.org/licenses/MIT"}
    (folder / DESCRIPTOR).write_text(json.dumps(metadata))
    found = "\n".join(problems(folder))
    for wrong in (
        "./: license is missing",
        "#run: result is missing",
        "programmingLanguage is not Snakemake",
        f"#job-{FIGURE}: comes before #job-{NUMBERS}",
        f"{TABLE}: sha256 differs",
        "stray.txt: is there, but not described",
    ):
        assert wrong in found


def test_media_types() -> None:
    assert media_type("a/b.vl.json") == "application/json"
    assert media_type("a/b.csv") == "text/csv"
    assert media_type("Snakefile") == "text/plain"


def test_files_of_the_user_belong_to_the_workflow_if_they_lie_in_the_project(project: Path) -> None:
    Path("flowers.csv").write_text("a\n")
    Path("scripts/__pycache__").mkdir()
    Path("scripts/__pycache__/x.pyc").write_text("")
    config = {
        "datasets": {"flowers": {"file": "flowers.csv"}, "digits": {"name": "digits"}},
        "models": {"other": {"file": "/etc/hostname"}, "gone": {"file": "gone.py"}},
    }
    found = workflow_files(config)
    assert "flowers.csv" in found and "scripts/train_segment.py" in found
    assert not any("pycache" in name or name.startswith("/") or name == "gone.py" for name in found)


def test_no_other_step_depends_on_the_library_of_crates() -> None:
    for script in PROJECT.glob("scripts/*.py"):
        used = Reach(Library(LIBRARY)).job(script, []).packages
        assert bool(used & {"crate", "rocrate"}) is (script.name == "pack_crate.py"), script
