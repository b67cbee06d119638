"""A job that fails says why in one line, keeps the traceback in its log, and leaves what was there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# A process of its own, because a job redirects the streams of its process.
PROGRAM = """
import json, os, sys, time
from types import SimpleNamespace
from batchlab.errors import BatchlabError
from batchlab.files import write_text
from batchlab.records.job import job

class Named(dict):
    __iter__ = lambda self: iter(self.values())

snakemake = SimpleNamespace(
    params=SimpleNamespace(
        spec=json.dumps({"model": {"code": "c0de"}}),
        get=lambda name, default=None: {"source": {"model": {"code": "c0de", "file": "my.py"}}}.get(name, default),
    ),
    input=Named(data="data.txt", outdated=".snakemake/marker") if os.path.exists("data.txt") else Named(),
    output=Named(table=sys.argv[1]), log=["logs/job.log"], threads=1, rule="rule",
)
with job(snakemake, *sys.argv[2:]) as this:
    print("said by the body")
    exec(compile(open("my.py").read(), "my.py", "exec"))
"""

FAILURES = [
    ("raise BatchlabError('a.csv: is\\n empty; fill it')", "a.csv: is empty; fill it", False),
    (
        "x = 1\n1 / 0",
        "model my.py, line 2: ZeroDivisionError: division by zero; the traceback is in logs/job.log",
        True,
    ),
    (
        "def build():\n    1 / 0\ntry:\n    build()\nexcept Exception as p:\n    raise BatchlabError('no') from p",
        "no (my.py, line 2); the traceback is in logs/job.log",
        True,
    ),
    ("import sys\nsys.exit(0)", "model my.py, line 2: exit() was called; the traceback is in logs/job.log", True),
    ("json.loads('{')", "model my.py, line 1: JSONDecodeError: Expecting property name", True),
    (
        "write_text('out/table.csv', 'half')\nraise ValueError('one\\n' + 'two' * 2000)",
        "model my.py, line 2: ValueError: one two",
        True,
    ),
]


def start(folder: Path, output: str = "out/table.csv", *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PROGRAM, output, *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def run(folder: Path, output: str = "out/table.csv", *more: str) -> subprocess.CompletedProcess[str]:
    process = start(folder, output, *more)
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.02)


@pytest.mark.parametrize(("body", "line", "has_traceback"), FAILURES)
def test_a_failure_is_one_line(tmp_path: Path, body: str, line: str, has_traceback: bool) -> None:
    (tmp_path / "my.py").write_text(body)
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"batchlab: error: {line}")
    assert done.stderr.count("\n") == 1
    log = (tmp_path / "logs/job.log").read_text()
    assert "said by the body" in log and line in log
    assert ("Traceback" in log) is has_traceback
    assert not list(tmp_path.glob("out/*.provenance.json"))


def test_a_success_is_silent_and_recorded(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("write_text('out/table.csv', 'whole')")
    done = run(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), (tmp_path / "logs/job.log").read_text()
    record = json.loads((tmp_path / "out/table.csv.provenance.json").read_text())
    assert record["rule"] == "rule"
    # Where a file lies is no setting.
    assert record["spec"] == {"model": {"code": "c0de"}}
    assert record["source"] == {"model": {"code": "c0de", "file": "my.py"}}


def test_inputs_are_recorded_with_size_and_time_and_without_markers(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("write_text('out/table.csv', 'whole')")
    (tmp_path / "data.txt").write_text("data")
    assert run(tmp_path).returncode == 0, (tmp_path / "logs/job.log").read_text()
    record = json.loads((tmp_path / "out/table.csv.provenance.json").read_text())
    seen = (tmp_path / "data.txt").stat()
    assert record["inputs"] == {
        "data": {"path": "data.txt", "sha256": sha256(b"data").hexdigest(), "size": 4, "mtime_ns": seen.st_mtime_ns}
    }
    assert record["outputs"] == {"table": {"path": "out/table.csv", "sha256": sha256(b"whole").hexdigest()}}


def test_copies_from_object_storage_have_the_paths_of_the_project(tmp_path: Path) -> None:
    """Beside them the job finds what the project has, but not results that are no copies."""
    copies = tmp_path / ".snakemake/storage/s3/lab/results"
    copies.mkdir(parents=True)
    (copies / "made.txt").write_text("copy")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/made.txt").write_text("another one")
    (tmp_path / "data.txt").write_text("data")
    (tmp_path / "my.py").write_text(
        "assert this.input['data'] == 'data.txt' and open('data.txt').read() == 'data'\n"
        "assert open('results/made.txt').read() == 'copy'\n"
        "write_text(this.output['table'], this.output['table'])"
    )
    done = run(tmp_path, ".snakemake/storage/s3/lab/results/out/table.csv")
    assert (done.returncode, done.stderr) == (0, ""), (tmp_path / "logs/job.log").read_text()
    assert (copies / "out/table.csv").read_text() == "results/out/table.csv"
    record = json.loads((copies / "out/table.csv.provenance.json").read_text())
    assert record["outputs"]["table"]["path"] == "results/out/table.csv"
    assert not (tmp_path / "results/out").exists()


# A job that makes a folder.

WRITES = "open(this.output['table'] + '/a.csv', 'w').write('a')\n"


def folder_files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != "provenance.json"}


def test_a_folder_is_put_in_its_place_as_a_whole_with_its_record(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(WRITES + "assert not os.path.exists('out/one')")
    done = run(tmp_path, "out/one", "folder")
    assert done.returncode == 0, (tmp_path / "logs/job.log").read_text()
    made = tmp_path / "out/one"
    record = json.loads((made / "provenance.json").read_text())
    digest = sha256(b"a").hexdigest()
    whole = sha256(json.dumps({"a.csv": digest}, separators=(",", ":")).encode()).hexdigest()
    assert record["outputs"] == {"table": {"path": "out/one", "sha256": whole, "files": {"a.csv": {"sha256": digest}}}}
    assert folder_files(made) == {"a.csv": "a"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one"]
    assert made.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_is_there_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "out/one").mkdir(parents=True)
    (tmp_path / "out/one/old.csv").write_text("old")
    (tmp_path / "my.py").write_text(WRITES)
    assert run(tmp_path, "out/one", "folder").returncode == 0
    assert folder_files(tmp_path / "out/one") == {"a.csv": "a"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one"]


def test_a_failed_job_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(WRITES + "raise BatchlabError('no')")
    assert run(tmp_path, "out/one", "folder").returncode == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_killed_job_leaves_no_folder_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(WRITES + "open('begun', 'w').close()\ntime.sleep(100)")
    process = start(tmp_path, "out/one", "folder")
    wait_for(tmp_path / "begun")
    process.kill()
    process.communicate()
    assert not (tmp_path / "out/one").exists() and len(list((tmp_path / "out").iterdir())) == 1
    (tmp_path / "my.py").write_text(WRITES)
    assert run(tmp_path, "out/one", "folder").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one"]


def test_temporary_files_of_other_jobs_stay(tmp_path: Path) -> None:
    others = (".one-more-abcdefgh", ".two-abcdefgh", ".one-abc", "one-abcdefgh")
    for name in others:
        (tmp_path / "out" / name).mkdir(parents=True)
    (tmp_path / "my.py").write_text(WRITES)
    assert run(tmp_path, "out/one", "folder").returncode == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*others, "one"}


def test_a_killed_job_leaves_no_record_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("write_text('out/table.csv', 'old')")
    assert run(tmp_path).returncode == 0
    (tmp_path / "my.py").write_text("write_text('out/table.csv', 'new')\nopen('begun', 'w').close()\ntime.sleep(100)")
    process = start(tmp_path)
    wait_for(tmp_path / "begun")
    process.kill()
    process.communicate()
    assert not (tmp_path / "out/table.csv.provenance.json").exists()


# Two processes with the same job.


def test_a_job_waits_for_the_same_job_of_a_snakemake_that_was_killed(tmp_path: Path) -> None:
    until = "while not os.path.exists('go'):\n    time.sleep(0.02)"
    (tmp_path / "my.py").write_text(f"write_text('out/table.csv', 'first')\nopen('begun', 'w').close()\n{until}")
    first = start(tmp_path)
    wait_for(tmp_path / "begun")
    (tmp_path / "my.py").write_text("write_text('out/table.csv', 'second')")
    second = start(tmp_path)
    time.sleep(1.5)
    assert second.poll() is None and (tmp_path / "out/table.csv").read_text() == "first"
    (tmp_path / "go").touch()
    for process in (first, second):
        process.communicate()
        assert process.returncode == 0
    assert (tmp_path / "out/table.csv").read_text() == "second"
    record = json.loads((tmp_path / "out/table.csv.provenance.json").read_text())
    assert record["outputs"]["table"]["sha256"] == sha256(b"second").hexdigest()


def test_nobody_waits_for_a_process_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("open('begun', 'w').close()\ntime.sleep(100)")
    first = start(tmp_path)
    wait_for(tmp_path / "begun")
    (tmp_path / "my.py").write_text("write_text('out/table.csv', 'second')")
    second = start(tmp_path)
    first.kill()
    first.communicate()
    second.communicate()
    assert second.returncode == 0 and (tmp_path / "out/table.csv").read_text() == "second"
