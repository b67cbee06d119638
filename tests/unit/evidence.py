"""A small project with results and their records, for tests of verification and of the crate."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchlab.files import write_json
from batchlab.records import provenance
from batchlab.verification.agreement import Artefact

DATA = "results/data/d/data.npz"
STATE = "results/segments/s/seeds-0-0/state.npz"
HISTORY = "results/segments/s/seeds-0-0/history.csv"
TABLES = "results/c/tables/one"
TABLE = f"{TABLES}/history.csv"
MERGED = "results/c/tables/history.csv"
NUMBERS = "results/c/figures/one/accuracy.csv"
FIGURE = "results/c/figures/one/accuracy.svg"
PAGE = "results/c/index.html"

SPECS: dict[str, dict[str, Any]] = {
    "data": {"name": "d"},
    "segments": {"learning_rate": 0.1, "precision": "float32", "optimizer": {"name": "sgd", "momentum": 0.9}},
    "tables": {"study": "one"},
    "merged": {"table": "history", "studies": ["one"]},
    "drawn": {"study": "one", "figure": "accuracy"},
    "figures": {"title": "Accuracy", "caption": "of one arm"},
    "report": {"title": "A campaign"},
}


def artefact(kind: str, rule: str, outputs: dict[str, str], spec: str, folder: bool = False) -> Artefact:
    name = next(iter(outputs.values()))
    return Artefact(kind, rule, f"{rule}.py", name, outputs, SPECS[spec], "c0de", "e0e0", folder=folder)


PREPARED = artefact("data", "prepare_data", {"data": DATA}, "data")
SEGMENT = artefact("segments", "train_segment", {"state": STATE, "history": HISTORY}, "segments")
STUDY = artefact("tables", "tabulate_study", {"tables": TABLES}, "tables", folder=True)
JOINED = artefact("tables", "merge_tables", {"merged": MERGED}, "merged")
COMPUTED = artefact("drawn", "figure_data", {"data": NUMBERS}, "drawn")
DRAWN = artefact("figures", "draw_figure", {"svg": FIGURE}, "figures")
REPORT = artefact("report", "write_report", {"page": PAGE}, "report")
INPUTS: dict[str, dict[str, Any]] = {
    DATA: {},
    STATE: {"data": DATA},
    TABLES: {"files": [HISTORY]},
    MERGED: {"merged": [TABLES]},
    NUMBERS: {"tables": TABLES},
    FIGURE: {"data": NUMBERS},
    PAGE: {"figures": [FIGURE], "tables": [TABLES], "merged": [MERGED]},
}
# Each after those that it was made from.
ALL = (PREPARED, SEGMENT, STUDY, JOINED, COMPUTED, DRAWN, REPORT)


def put_on_record(made: Artefact) -> None:
    """Write the record that the job of an artefact would have written."""
    now = datetime.now(UTC)
    record = provenance.record(
        rule=made.rule,
        params={"code": made.code, "env": made.environment},
        spec=made.spec,
        inputs=provenance.fingerprints(INPUTS[made.name], times=True),
        outputs=provenance.fingerprints(made.outputs),
        threads=1,
        started=now,
        ended=now,
        facts={},
    )
    write_json(made.record, record)


def build(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project in a folder and go there: data, a segment, tables, a figure and a page, each with its record."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(provenance, "versions_of_imported", lambda: {"snakemake": "9.27.1"})  # else a second for each
    monkeypatch.setattr(provenance, "git_state", dict)
    for path in (DATA, STATE, TABLE, MERGED, FIGURE):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    np.savez(DATA, x=np.arange(3.0))
    np.savez(STATE, **{"weights/kernel": np.ones((1, 4), np.float32), "position/seeds": np.array([0])})
    Path(HISTORY).write_text("seed,epoch,seconds,test_accuracy\n0,1,2.5,0.9\n")
    Path(TABLE).write_text("study,seed,test_accuracy\none,0,0.9\n")
    shutil.copy(TABLE, MERGED)
    Path(NUMBERS).write_text("epoch,mean\n1,0.9\n")
    Path(FIGURE).write_text("<svg/>\n")
    Path(PAGE).write_text("<html></html>\n")
    for made in ALL:
        put_on_record(made)
    return folder
