"""A job that fails says why in one line, keeps the traceback in its log, and leaves what was there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# A process of its own, because a job redirects the streams of its process.
PROGRAM = """
import json, sys
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
    input=Named(), output=Named(table="out/table.csv"), log=["logs/job.log"], threads=1, rule="rule",
)
with job(snakemake) as this:
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


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    return subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True)


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
    record = json.loads((tmp_path / "out/table.provenance.json").read_text())
    assert record["rule"] == "rule"
    # Where a file lies is no setting.
    assert record["spec"] == {"model": {"code": "c0de"}}
    assert record["source"] == {"model": {"code": "c0de", "file": "my.py"}}
