"""What `make peers` makes of choices: each trained once on new seeds, told beside ours; searches are made once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from batchlab.configuration.campaign import read
from batchlab.errors import BatchlabError
from batchlab.files import write_text
from batchlab.pages.peers_table import CHOOSERS, table
from batchlab.planning.jobs import Jobs
from batchlab.planning.plan import plan
from batchlab.report.foresight import as_csv
from batchlab.rounds.round_file import Round, keep
from batchlab.rounds.training_speed import NEEDED, Setting, Speed
from peers import OURS, RULES, SEARCHES, choosing, trial
from peers.asked import Asked, asked
from peers.choosing import Choice, choices
from peers.table import rows

RAW = {"campaign": "mine", "optimizer": "sgd", "optimizers": {"sgd": {"name": "sgd", "learning_rate": 0.1}}}
RAW |= {"advise": {"batch_size": 16, "budget": "90 s"}, "epochs": 10}
CONFIG = read(RAW)
MACHINE = {"largest_micro_batch": 512, "cores": 2.0}


def workload(time: tuple[int, float] | None = (64, 0.2)) -> Asked:
    best = None if time is None else {"batch_size": time[0], "learning_rate": time[1]}
    rules = [
        {"rule": rule, "batch_size": size, "learning_rate": 0.1}
        for rule, size in (("thirty-two", 32), ("largest", 1024))
    ]
    return Asked(
        raw=RAW,
        config=CONFIG,
        advice={
            "aims": {"time": best},
            "thumb_rules": rules,
            "most_seeds": 8,
            "target": {"metric": "validation_accuracy", "value": 0.9},
        },
        request={
            "run": {"model": {"name": "mlp"}, "learning_rate": 0.1},
            "data": "results/data/digits/data.npz",
            "epochs": 10,
            "target": {"metric": "validation_accuracy", "value": 0.9, "better": "higher"},
            "seconds": 120.0,
        },
        measuring=20.0,
        speed=Speed(MACHINE, examples=1280, epochs=10),
        trained=[{"batch_size": size, "learning_rate": "0.1"} for size in ("16", "16", "64")],
    )


TAKEN = [Choice(OURS, 64, 0.2, 120.0, 9), Choice("thirty-two", 32, 0.1, 0.0), Choice("lightning", 1280, 0.1, 3.0, 10)]
TAKEN += [Choice("keras_tuner", 64, 0.2, 118.0, 20), Choice("keras_tuner_time", note="not installed")]


def cells(*runs: tuple[int, float, list[tuple[float, int]]]) -> list[dict[str, str]]:
    """Return runs of a trial: (B, rate, for each seed seconds and whether the target is reached)."""
    return [
        {"batch_size": str(size), "learning_rate": str(rate), "seed": str(seed), "reached": str(reached)}
        | {"seconds": str(seconds), "updates": str(100 * seconds), "examples": str(6400 * seconds)}
        for size, rate, each in runs
        for seed, (seconds, reached) in enumerate(each, 1000)
    ]


RUNS = cells(
    (64, 0.2, [(1.0, 1), (2.0, 1), (4.0, 1)]),
    (32, 0.1, [(2.0, 1), (2.0, 1), (6.0, 1)]),
    (1280, 0.1, [(8.0, 0), (8.0, 1), (8.0, 0)]),
)


def test_each_choice_is_told_beside_ours_seed_by_seed() -> None:
    arms = trial.settings(workload(), TAKEN)
    ours, small, large, tuner, absent = rows("mine", TAKEN, arms, RUNS)
    assert (ours["seconds"], ours["ratio"], ours["ratio_low"], ours["ratio_high"]) == pytest.approx((2.0, 1, 1, 1))
    ratios = np.log([2.0, 1.0, 1.5])
    assert small["ratio"] == pytest.approx(math.exp(ratios.mean()))
    ends = np.exp(stats.t.interval(0.9, 2, ratios.mean(), stats.sem(ratios)))
    assert (small["ratio_low"], small["ratio_high"]) == pytest.approx(tuple(ends))
    # Who chooses the same has the same runs; only the search differs.
    assert {**tuner, "chooser": OURS, "search_seconds": 120.0, "tried": 9} == ours
    assert (large["reached"], large["seeds"], large["ratio"]) == (1, 3, pytest.approx(4.0))
    assert math.isnan(large["ratio_low"]) and math.isnan(large["seconds_high"])
    assert absent["note"] == "not installed" and math.isnan(absent["seconds"]) and absent["seeds"] == 0


def test_where_ours_miss_the_target_there_is_no_ratio() -> None:
    missed = [{**run, "reached": "0"} if run["batch_size"] == "64" else run for run in RUNS]
    found = rows("mine", TAKEN, trial.settings(workload(), TAKEN), missed)
    assert all(math.isnan(row["ratio"]) for row in found) and found[1]["seconds"] == pytest.approx(24 ** (1 / 3))


def test_the_trial_trains_each_choice_once_on_seeds_that_chose_nothing() -> None:
    arms = trial.settings(workload(), TAKEN)
    assert list(arms) == ["present", "choice_1", "choice_2", "choice_3"]
    # What does not fit at once is accumulated.
    assert arms["choice_3"] == Setting(1280, 4, 0.1, trial.SEEDS)
    planned = plan(read(trial.campaign(workload(), arms)))
    study = planned.studies["peers"]
    assert len(study.arms) == 4 and study.derived["cells"].options["target"] == 0.9
    used = {seed for job in Jobs(planned) if job.rule == "train_segment" for seed in job.spec["seeds"]}
    assert used == set(range(trial.FIRST, trial.FIRST + trial.SEEDS))
    many = replace(workload(), advice={**workload().advice, "most_seeds": 1001})
    with pytest.raises(BatchlabError, match=r"^seeds: those of mine reach 1000"):
        trial.campaign(many, arms)


# A process of a peer, which notes what it is asked.
PROCESS = """#!/bin/sh
search=$(grep -o '"search": "[a-z_]*"' | cut -d '"' -f 4)
echo "$search" >> asked
[ "$search" != keras_tuner_time ] || { echo "ValueError: no such thing" >&2; exit 1; }
echo '{"batch_size": 2048, "learning_rate": 0.12345678, "seconds": 3.14, "tried": 5, "versions": {"a": "1"}}'
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Make an environment of peers whose process is `PROCESS`; return what gives the searches that it was asked for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/python"
    program.write_text(PROCESS)
    program.chmod(0o755)
    monkeypatch.setattr(choosing, "STAMP", tmp_path / "run.stamp")
    (tmp_path / "run.stamp").touch()
    return lambda: (tmp_path / "asked").read_text().split() if (tmp_path / "asked").exists() else []


def test_a_search_is_made_once_and_again_for_another_question(
    installed: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "SEARCHES", ("lightning", "keras_tuner"))
    ours, *rules, lightning, _ = choices(workload())
    assert ours == Choice(OURS, 64, 0.2, 120.0, 2)  # two settings were trained
    assert rules == [Choice("thirty-two", 32, 0.1, 0.0), Choice("largest", 1024, 0.1, 20.0)]
    assert lightning == Choice("lightning", 1280, 0.123457, 3.1, 5)  # all examples at most
    assert installed() == ["lightning", "keras_tuner"]
    list(choices(workload()))
    assert len(installed()) == 2
    request: dict[str, Any] = {**workload().request, "epochs": 20}
    list(choices(replace(workload(), request=request)))
    assert len(installed()) == 4
    list(choices(replace(workload(), request={**request, "seconds": 600.0})))  # they had much less time
    assert len(installed()) == 6
    kept = json.loads(Path("results/peers/mine/lightning.json").read_text())
    assert kept["versions"] == {"a": "1"} and kept["request"]["seconds"] == 600.0


def test_what_fails_and_what_is_absent_is_told_in_a_line(
    installed: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "SEARCHES", ("keras_tuner_time",))
    with pytest.raises(
        BatchlabError, match=r"^keras_tuner_time: ended without a choice: ValueError: no such thing; see"
    ):
        list(choices(workload()))
    choosing.STAMP.unlink()
    ours, *_, absent = choices(workload(time=None))
    assert ours.note.startswith("no advice") and absent == Choice("keras_tuner_time", note="not installed")


def test_the_page_shows_what_the_table_has(tmp_path: Path) -> None:
    assert set(CHOOSERS) == {OURS, *RULES, *SEARCHES}
    (tmp_path / "choices.csv").write_text(as_csv(rows("mine", TAKEN, trial.settings(workload(), TAKEN), RUNS)))
    shown = table(tmp_path / "choices.csv")
    assert shown.startswith("**mine**") and "| not installed |" in shown
    [large] = [line for line in shown.splitlines() if "Lightning" in line]
    assert "| 1 of 3 |" in large and large.endswith("| more than 4 |")


def test_a_workload_is_what_the_campaign_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of the user's own has its file with it; our time is that of the machine and of all rounds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("def build(input_shape, classes, *, width: int = 8): ...\n")
    model = {"model": "own", "models": {"own": {"file": "own.py", "width": 4}}}
    (tmp_path / "mine.yaml").write_text(json.dumps({**RAW, **model}))
    config = read({**RAW, **model})
    keep(config, [Round((), 60.0, seconds) for seconds in (30.0, 50.0)])
    folder = tmp_path / "results/mine"
    (folder / "advice.json").write_text(json.dumps(workload().advice))
    [measured] = [job for job in Jobs(plan(config)) if job.rule == "measure_apart"]
    record = {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T10:00:12.5+00:00"}
    numbers = {**dict.fromkeys(NEEDED, 1.0), "training_examples": 1280}
    for path, text in {
        "tables/machine/machine.csv": as_csv([numbers]),
        "tables/machine/workload.csv": as_csv([numbers]),
        "derived/advice/cells.csv": as_csv([{"batch_size": 16, "learning_rate": 0.1, "better": "higher"}]),
        f"../../{measured.outputs['tables']}/provenance.json": json.dumps(record),
    }.items():
        write_text(folder / path, text)
    found = asked("mine.yaml")
    assert found.request["run"]["model"]["file"] == "own.py" and found.request["run"]["model"]["width"] == 4
    assert found.request["target"] == {"metric": "validation_accuracy", "value": 0.9, "better": "higher"}
    assert found.request["seconds"] == 92.5 and found.measuring == 12.5 and found.present == (16, 0.1)
    (folder / "advice.json").unlink()
    with pytest.raises(BatchlabError, match=r"^results/mine: has no answer; run make advise CONFIG=mine\.yaml first"):
        asked("mine.yaml")
