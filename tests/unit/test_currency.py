"""Which jobs are current, on real files with set times: the records decide, and nothing is missed after a kill."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from batchlab.files import sha256_of, write_json
from batchlab.records import adopt, currency, provenance
from batchlab.records.currency import MARKERS, Status, assess, why

DATA = "results/data/d/data.npz"
STATE = "results/segments/s/seeds-0-0/state.npz"
HISTORY = "results/segments/s/seeds-0-0/history.csv"
PROBE = "results/probes/p/x/seeds-0-0"
TABLES = "results/c/tables/one"
CLAIMS = "results/c/claims/one.csv"
FIGURE = "results/c/figures/one/accuracy.svg"
PAGE = "results/c/index.html"


@dataclasses.dataclass(frozen=True)
class Job:
    kind: str
    outputs: dict[str, str]
    inputs: dict[str, str | list[str]]
    spec: dict[str, Any]
    codes: dict[str, str]
    environment: str = "e0"
    folder: bool = False
    benchmark: str = ""
    made_from: tuple[Job, ...] = ()
    default: str = ""  # option whose value is its default

    def compared(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        return {key: value for key, value in spec.items() if key != self.default}


def cores(name: str) -> dict[str, str]:
    return {"tensorflow": f"{name}-tensorflow", "jax": f"{name}-jax"}


DATA_JOB = Job("data", {"data": DATA}, {}, {"name": "d"}, {"": "d"})
SEGMENT = Job("segments", {"state": STATE, "history": HISTORY}, {"data": DATA}, {"learning_rate": 0.05}, cores("s"))
MEASURED = Job("probes", {"tables": PROBE}, {"states": [STATE]}, {"probe": {"trials": 3}}, cores("p"), folder=True)
STUDY = Job(
    "tables",
    {"tables": TABLES},
    {"data": [DATA], "files": [HISTORY, PROBE]},
    {"study": "one"},
    {"": "t"},
    folder=True,
    made_from=(DATA_JOB, SEGMENT, MEASURED),
)
JUDGED = Job("claims", {"claims": CLAIMS}, {"tables": TABLES}, {"claims": {}}, {"": "c"})
DRAWN = Job("figures", {"svg": FIGURE}, {"tables": TABLES}, {"title": "Accuracy"}, {"": "f"})
REPORT = Job("report", {"page": PAGE}, {"figures": [FIGURE], "claims": [CLAIMS]}, {"title": "A campaign"}, {"": "r"})
ALL = (DATA_JOB, SEGMENT, MEASURED, STUDY, JUDGED, DRAWN, REPORT)


def name_of(job: Job) -> str:
    return next(iter(job.outputs.values()))


def make(job: Job, core: str = "tensorflow", text: str = "", **more: Any) -> None:
    """Do what a job does: write its outputs, then its record; Snakemake touches the outputs after that."""
    inputs = provenance.fingerprints(job.inputs, times=True)
    for path in job.outputs.values():
        files = [f"{path}/history.csv", f"{path}/summary.csv"] if job.folder else [path]
        if job.folder:
            shutil.rmtree(path, ignore_errors=True)
        for file in files:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(f"{file} {text}")
    write_json(
        provenance.record_path(name_of(job), job.folder),
        {
            **dict.fromkeys(("rule", "started", "python"), "x"),
            **{key: {} for key in ("host", "packages", "not_as_locked", "git")},
            "ended": "2026-01-01T00:00:00+00:00",
            "threads": 1,
            "spec": job.spec,
            "code": job.codes.get(core) or job.codes[""],
            "environment": job.environment,
            "inputs": inputs,
            "outputs": provenance.fingerprints(job.outputs),
            "made_from": {
                "code": sorted({each.codes.get(core) or each.codes[""] for each in job.made_from}),
                "environment": sorted({each.environment for each in job.made_from}),
                "python": ["3.11"],
            },
            **more,
        },
    )
    for path in job.outputs.values():
        if job.folder:
            Path(path, ".snakemake_timestamp").touch()
        else:
            Path(path).touch()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    currency._HASHED.clear()
    for job in ALL:
        make(job)
    return tmp_path


def found(*jobs: Job) -> dict[str, Status]:
    return assess(jobs or ALL)


def outdated(*jobs: Job) -> list[str]:
    return [name for name, status in found(*jobs).items() if status.marker]


def changed(job: Job, **fields: Any) -> tuple[Job, ...]:
    """Return all jobs with another one in place of `job`."""
    new = dataclasses.replace(job, **fields)
    return tuple(
        new
        if each is job
        else dataclasses.replace(each, made_from=tuple(new if m is job else m for m in each.made_from))
        for each in ALL
    )


def shuffle_times() -> None:
    for age, path in enumerate(sorted(Path("results").rglob("*"), key=lambda path: sha256_of(__file__) + path.name)):
        os.utime(path, (1_700_000_000 - 1000 * age, 1_700_000_000 - 1000 * age))


def turn_times() -> None:
    """Make all inputs newer than what was made of them."""
    for age, job in enumerate(ALL):
        for output in job.outputs.values():
            for path in filter(Path.exists, [Path(output), *Path(output).rglob("*")]):
                os.utime(path, (1_700_000_000 - 1000 * age, 1_700_000_000 - 1000 * age))


def edit(path: str) -> None:
    Path(path).write_text(Path(path).read_text() + "edited")


def test_what_was_just_made_is_current_and_nothing_is_written(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    for status in found().values():
        assert status.current and status.reasons == () and status.marker == ""
    # So a step that is run by force is followed by what depends on it.
    assert not any(status.ancient for status in found().values())
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


def test_a_fresh_checkout_is_current_whatever_its_times_are() -> None:
    shuffle_times()
    assert all(status.current for status in found().values())
    turn_times()
    assert all(
        status.current and status.ancient == set(currency.listed(job.inputs))
        for job, status in zip(ALL, found().values(), strict=True)
    )


def test_what_is_just_as_it_was_recorded_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str) -> str:
        raise AssertionError(path)

    monkeypatch.setattr(currency, "sha256_of", read)
    assert all(status.current for status in found().values())


@pytest.mark.parametrize(
    ("job", "fields", "reasons"),
    [
        (SEGMENT, {"spec": {"learning_rate": 0.1}}, ("learning_rate: 0.05 recorded, 0.1 planned",)),
        (DRAWN, {"codes": {"": "other"}}, ("other code",)),
        (JUDGED, {"environment": "other"}, ("other locked versions of packages",)),
        (
            REPORT,
            {"inputs": {"figures": [FIGURE], "claims": [CLAIMS], "more": [HISTORY]}},
            (f"input {HISTORY}: planned, not recorded",),
        ),
        (REPORT, {"inputs": {"figures": [FIGURE]}}, (f"input {CLAIMS}: recorded, not planned",)),
        (DRAWN, {"outputs": {"svg": FIGURE, "csv": HISTORY}}, (f"{HISTORY} is not in the record",)),
    ],
)
def test_another_plan_says_what_is_other(job: Job, fields: dict[str, Any], reasons: tuple[str, ...]) -> None:
    status = found(*changed(job, **fields))[name_of(job)]
    assert status.reasons == reasons and status.marker == f"{MARKERS}/{name_of(job)}.1"
    assert not status.current and not status.ancient
    assert next(why(changed(job, **fields))) == f"{name_of(job)}: {reasons[0]}"


def test_an_option_that_was_added_with_its_default_is_not_compared() -> None:
    added = dataclasses.replace(SEGMENT, spec={**SEGMENT.spec, "new": 1}, default="new")
    make(SEGMENT)
    assert outdated(added) == [] and found(added)[STATE].spec == SEGMENT.spec
    assert outdated(dataclasses.replace(added, default="")) == [STATE]
    assert outdated(dataclasses.replace(added, spec={"learning_rate": 0.1, "new": 1})) == [STATE]


def test_a_spec_is_compared_as_json() -> None:
    assert outdated(*changed(MEASURED, spec={"probe": {"trials": 3.0}})) == []
    make(dataclasses.replace(SEGMENT, spec={"seeds": [0, 1]}))
    assert outdated(dataclasses.replace(SEGMENT, spec={"seeds": (0, 1)})) == []


def test_only_what_is_outdated_gets_a_marker_and_what_follows_no_ancient_inputs() -> None:
    turn_times()
    status = found(*changed(MEASURED, spec={"probe": {"trials": 4}}))
    assert [name for name, each in status.items() if each.marker] == [PROBE]
    # Snakemake makes these again, because their inputs are made anew.
    assert {name for name, each in status.items() if not each.ancient} == {DATA, PROBE, TABLES, CLAIMS, FIGURE, PAGE}


def test_the_code_of_any_core_is_good_and_the_one_of_neither_is_not() -> None:
    make(SEGMENT, "jax")
    make(MEASURED, "jax")
    make(STUDY, "jax")
    for job in (JUDGED, DRAWN, REPORT):
        make(job)
    assert outdated() == []
    assert found()[STATE].code == "s-jax"
    assert found()[TABLES].made_from == {"code": ["d", "p-jax", "s-jax"], "environment": ["e0"]}
    assert outdated(*changed(SEGMENT, codes={"tensorflow": "new", "jax": "s-jax"})) == []
    assert outdated(*changed(SEGMENT, codes={"tensorflow": "s-tensorflow", "jax": "new"})) == [STATE, TABLES]


@pytest.mark.parametrize(
    ("job", "fields"),
    [(DATA_JOB, {"codes": {"": "x"}}), (SEGMENT, {"codes": cores("x")}), (MEASURED, {"environment": "x"})],
)
def test_tables_of_steps_of_other_code_are_outdated_where_the_steps_are_gone(job: Job, fields: dict[str, Any]) -> None:
    for folder in ("data", "segments", "probes"):
        shutil.rmtree(f"results/{folder}")
    assert outdated() == []
    status = found(*changed(job, **fields))
    assert [name for name, each in status.items() if each.marker] == [TABLES]
    assert status[TABLES].reasons[0].startswith("made from what was made with other")


def test_what_is_gone_outdates_nothing_and_what_must_run_needs_it() -> None:
    for folder in ("data", "segments", "probes"):
        shutil.rmtree(f"results/{folder}")
    turn_times()
    status = found()
    assert not status[STATE].current and status[STATE].reasons[0] == f"{STATE} is missing"
    assert all(status[name].current for name in (TABLES, CLAIMS, FIGURE, PAGE))
    assert all(status[name].ancient for name in (CLAIMS, FIGURE, PAGE))
    status = found(*changed(DRAWN, spec={"title": "Another"}))
    assert status[CLAIMS].ancient and not status[PAGE].ancient
    status = found(*changed(STUDY, spec={"study": "two"}))
    # Then the segment is trained, and whatever else is made of it is made again.
    assert not any(status[name].ancient for name in (STATE, PROBE, TABLES, CLAIMS, FIGURE, PAGE))


def test_a_result_of_the_campaign_that_is_gone_is_made_and_what_follows_too() -> None:
    turn_times()
    Path(FIGURE).unlink()
    status = found()
    assert status[FIGURE].marker == "" and not status[PAGE].ancient and status[CLAIMS].ancient


def test_a_file_missing_in_a_folder_is_seen() -> None:
    Path(TABLES, "history.csv").unlink()
    assert found()[TABLES].reasons == (f"{TABLES}/history.csv is missing",)


@pytest.mark.parametrize("path", [HISTORY, f"{PROBE}/history.csv", f"{TABLES}/summary.csv", DATA])
def test_an_edited_file_outdates_what_reads_it(path: str) -> None:
    edit(path)
    readers = {name_of(job) for job in ALL if any(path.startswith(each) for each in currency.listed(job.inputs))}
    assert set(outdated()) == readers
    assert all("has other content" in found()[name].reasons[0] for name in readers)


def test_an_edited_file_is_seen_with_an_older_time_and_after_all_else_was_touched() -> None:
    edit(f"{TABLES}/summary.csv")
    os.utime(f"{TABLES}/summary.csv", (1_000_000, 1_000_000))
    assert set(outdated()) == {CLAIMS, FIGURE}
    shuffle_times()
    assert set(outdated()) == {CLAIMS, FIGURE}


def test_a_file_put_into_a_folder_is_seen_and_a_hidden_one_is_not() -> None:
    Path(TABLES, ".hidden").touch()
    assert outdated() == []
    Path(TABLES, "more.csv").touch()
    assert set(outdated()) == {CLAIMS, FIGURE}


def damage_text(path: Path) -> None:
    path.write_text(path.read_text()[:50])


def damage_form(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "outputs": {"svg": "0" * 64}}))


def damage_spec(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "spec": [1]}))


def damage_kind(path: Path) -> None:
    path.write_text("[]")


@pytest.mark.parametrize("damage", [damage_text, damage_form, damage_spec, damage_kind, Path.unlink])
def test_what_has_no_record_that_can_be_read_is_of_unknown_origin(damage: Callable[[Path], None]) -> None:
    for job in ALL:
        damage(provenance.record_path(name_of(job), job.folder))
    assert outdated() == [name_of(job) for job in ALL]


# Markers: Snakemake runs a job if its marker is made in this run, or is newer than its results.


def fires(job: Job, marker: str) -> bool:
    """Return whether Snakemake runs a job because of a marker."""
    path = Path(marker)
    times = [Path(each).stat().st_mtime_ns for each in job.outputs.values() if Path(each).exists()]
    return not path.exists() or not times or path.stat().st_mtime_ns > min(times)


def touch(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


OTHER = dataclasses.replace(DRAWN, codes={"": "other"})


def plan() -> tuple[Job, ...]:
    return (*ALL[:5], OTHER, REPORT)


def marker() -> str:
    return assess(plan())[FIGURE].marker


def test_a_marker_left_behind_by_a_kill_still_fires() -> None:
    first = marker()
    touch(first)  # killed before the job began
    assert marker() == first and fires(OTHER, first)
    Path(FIGURE).unlink()  # killed in the middle: Snakemake has deleted the outputs
    assert marker() == "" and not assess(plan())[FIGURE].current


def test_a_kill_after_the_outputs_and_before_the_record_is_seen() -> None:
    touch(marker())
    # A job deletes its record first.
    provenance.record_path(FIGURE).unlink()
    time.sleep(0.01)
    Path(FIGURE).write_text("new")
    status = assess(plan())[FIGURE]
    assert status.reasons == ("no record of how it was made",) and fires(OTHER, status.marker)


def test_a_marker_that_has_done_its_work_does_nothing_and_the_next_one_fires() -> None:
    first = marker()
    touch(first)
    time.sleep(0.01)
    make(OTHER)
    make(REPORT)
    assert outdated(*plan()) == []
    back = found()[FIGURE].marker  # the old code again
    assert back == f"{MARKERS}/{FIGURE}.2" and fires(DRAWN, back)


def test_results_copied_over_good_ones_are_seen_again_and_again() -> None:
    shutil.copytree("results", "elsewhere")
    for number in (1, 2, 3):
        current = marker()
        assert current == f"{MARKERS}/{FIGURE}.{number}" and fires(OTHER, current)
        touch(current)
        time.sleep(0.01)
        make(OTHER)
        assert marker() == ""
        shutil.copytree("elsewhere", "results", dirs_exist_ok=True, copy_function=shutil.copyfile)


def test_results_from_the_future_are_made_anew_even_after_a_kill() -> None:
    os.utime(FIGURE, (4_000_000_000, 4_000_000_000))
    for number in (1, 2):
        assert marker() == f"{MARKERS}/{FIGURE}.{number}"
        touch(marker())


def test_the_marker_of_a_folder_is_newer_than_all_of_it() -> None:
    jobs = changed(STUDY, spec={"study": "two"})
    touch(found(*jobs)[TABLES].marker)
    assert found(*jobs)[TABLES].marker == f"{MARKERS}/{TABLES}.1"
    time.sleep(0.01)
    Path(TABLES, ".snakemake_timestamp").touch()
    assert found(*jobs)[TABLES].marker == f"{MARKERS}/{TABLES}.2"


def test_a_run_that_was_killed_between_two_steps_goes_on_where_it_was() -> None:
    make(MEASURED, text="other numbers")
    assert outdated() == [TABLES]
    make(STUDY, text="other numbers")
    assert outdated() == [CLAIMS, FIGURE]
    for job in (JUDGED, DRAWN):
        make(job)
    # These came out as before, so the page is as good as it was.
    assert outdated() == []


def test_a_thousand_jobs_are_looked_at_in_no_time() -> None:
    jobs = [
        dataclasses.replace(
            SEGMENT,
            outputs={
                "state": f"results/segments/s{n}/seeds-0-0/state.npz",
                "history": f"results/segments/s{n}/seeds-0-0/history.csv",
            },
        )
        for n in range(1000)
    ]
    for job in jobs:
        make(job)
    took = []
    for _ in range(3):
        start = time.process_time()
        assert all(status.current for status in assess((DATA_JOB, *jobs)).values())
        took.append(time.process_time() - start)
    print(f"{min(took):.3f} s")
    assert min(took) < 0.3


# Results from elsewhere are taken over.


def times() -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in Path("results").rglob("*") if path.is_file()}


def adopted() -> int:
    return adopt.adopt(Path("results/c"))


def test_adopted_results_have_their_recorded_times_and_need_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    before = times()
    shuffle_times()
    assert adopted() > 0
    read = {path for job in ALL for path, _ in provenance.files_in(provenance.fingerprints(job.inputs))}
    assert {path: times()[path] for path in read} == {path: before[path] for path in read}
    monkeypatch.setattr(currency, "sha256_of", None)
    assert outdated() == []


def test_adopting_again_reads_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shuffle_times()
    adopted()
    before = times()
    monkeypatch.setattr(adopt, "sha256_of", None)
    assert adopted() == 0 and times() == before


def test_an_edited_file_is_not_adopted() -> None:
    edit(f"{TABLES}/summary.csv")
    shuffle_times()
    before = times()[f"{TABLES}/summary.csv"]
    adopted()
    assert times()[f"{TABLES}/summary.csv"] == before and set(outdated()) == {CLAIMS, FIGURE}


def test_damaged_records_do_no_harm() -> None:
    for number, job in enumerate(ALL):
        path = provenance.record_path(name_of(job), job.folder)
        path.write_text(("[]", "{", '{"outputs": 1}')[number % 3])
    assert adopted() == 0


def test_markers_that_have_done_their_work_are_removed() -> None:
    old, due, orphan = f"{MARKERS}/{FIGURE}.1", f"{MARKERS}/{CLAIMS}.1", f"{MARKERS}/results/gone.csv.1"
    for path in (old, orphan):
        touch(path)
        os.utime(path, (1_000_000, 1_000_000))
    touch(due)
    adopted()
    assert [Path(path).exists() for path in (old, due, orphan)] == [False, True, False]


def test_a_folder_that_may_not_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shuffle_times()

    def refuse(path: str | Path, **_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(adopt.os, "utime", refuse)
    monkeypatch.setattr(adopt, "keep_parsed", lambda: None)
    assert adopt.main(["results/c"]) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "Permission denied; file times stay as they are" in said


def test_adopting_what_is_not_there_is_fine(tmp_path: Path) -> None:
    assert adopt.adopt(tmp_path / "nothing/results/c") == 0
