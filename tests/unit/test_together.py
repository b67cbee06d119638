"""Trainings that share a process: which, and how the files of each get to its own job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.campaigns import planned

from batchlab.planning.jobs import Job
from batchlab.planning.lookup import Campaign
from batchlab.planning.together import Together
from batchlab.records import ready

FACTORS = [0.25, 0.5, 1, 2, 4, 8]
GRID = {
    "title": "Rates",
    "question": "?",
    "arms": {
        "grid": {"batch_size": ["small", "large"], "learning_rate_factor": FACTORS},
        "later": {
            "learning_rate_factor": [3, 5],
            "phases": [{"epochs": 2, "batch_size": "large"}, {"epochs": 4, "batch_size": "small"}],
        },
    },
}


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign with a grid of rates, of which nothing has been made."""
    monkeypatch.chdir(tmp_path)
    return Campaign(planned(run=["grid"], studies={"grid": GRID}), "tensorflow", lambda path: path, "9.27.1")


def of(job: Job) -> tuple[int, float, int]:
    return job.spec["batch_size"], round(job.spec["learning_rate"], 9), job.spec["start"]


def groups(campaign: Campaign, slots: int = 1) -> set[tuple[tuple[int, float, int], ...]]:
    together = Together(campaign, slots, lambda: True)
    return {
        tuple(of(each) for each in together.group(job.wildcards))
        for job in campaign.jobs
        if job.rule == "train_segment"
    }


RATES, LATER = ([round(0.1 * factor, 9) for factor in factors] for factors in (FACTORS, (3, 5)))


def test_segments_are_put_together_that_differ_in_their_rates_alone(campaign: Campaign) -> None:
    later = 2 * next(iter(campaign.plan.data.values())).shape.examples_train
    assert groups(campaign) == {
        tuple((16, rate, 0) for rate in RATES),
        tuple((256, rate, 0) for rate in RATES),
        # Of another length, and with another past.
        tuple((256, rate, 0) for rate in LATER),
        tuple((16, rate, later) for rate in LATER),
    }


def test_no_slot_stays_empty(campaign: Campaign) -> None:
    # Three kinds begin at once: on four slots each is cut in two.
    assert sorted(map(len, groups(campaign, 4))) == [1, 1, 1, 1, 3, 3, 3, 3]
    assert sorted(map(len, groups(campaign, 64))) == [1] * 16


def test_a_job_does_not_take_more_replicas_than_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arms = {"many": {"batch_size": "small", "learning_rate": [number / 1000 for number in range(1, 51)]}}
    study = {"title": "T", "question": "?", "arms": arms}
    many = Campaign(planned(run=["many"], studies={"many": study}), "tensorflow", lambda path: path, "9.27.1")
    assert sorted(map(len, groups(many))) == [12, 12, 13, 13]  # of two seeds each


def test_only_what_has_to_be_trained_is(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    new = [job for job in campaign.waiting() if job.rule == "train_segment" and of(job)[1] > 0.35]
    monkeypatch.setattr(campaign, "waiting", lambda: new)
    several = {group for group in groups(campaign) if len(group) > 1}
    assert several == {tuple((size, rate, 0) for rate in (0.4, 0.8)) for size in (16, 256)}


def test_a_study_never_trains_for_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def study(factors: list[float]) -> dict[str, Any]:
        return {"title": "T", "question": "?", "arms": {"a": {"batch_size": "small", "learning_rate_factor": factors}}}

    studies = {"one": study([1, 2, 4]), "two": study([2, 4, 8])}
    both = Campaign(planned(run=["one", "two"], studies=studies), "tensorflow", lambda path: path, "9.27.1")
    assert sorted(map(len, groups(both))) == [1, 1, 2]


def test_the_job_of_each_waits_for_the_one_that_trains_them(campaign: Campaign) -> None:
    together = Together(campaign, 1, lambda: True)
    first, second, *_ = together.group(next(job for job in campaign.jobs if job.rule == "train_segment").wildcards)
    inputs = together.inputs()
    assert inputs(first.wildcards) == {**first.inputs, "ahead": inputs(second.wildcards)["ahead"]}
    needed, spec = together.needed(first.wildcards), json.loads(together.spec(first.wildcards))
    assert needed["parents"] == [job.inputs["parent"] for job in together.group(first.wildcards)]
    assert [member["spec"] for member in spec["members"][:2]] == [first.spec, second.spec]
    # What is submitted to a cluster is put together there.
    assert Together(campaign, 1, lambda: False).inputs()(first.wildcards) == first.inputs


# What the second of two segments reads in its own job.
ALONE = {"data": {"sha256": "d"}, "initial": {"sha256": "i"}, "parent": {"sha256": "p1"}}


def test_files_are_taken_that_were_made_for_this_job_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    members = [{"name": name, "spec": {"rate": rate}, "code": "c", "env": "e"} for name, rate in (("a", 1), ("b", 2))]
    ready.note_inputs({**ALONE, "parents": [{"sha256": "p0"}, {"sha256": "p1"}]})
    made = ready.planned(members, {"model": "my.py"})
    for each in made:
        for path in each.outputs.values():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(f"{each.name} {Path(path).name}")
    ready.note(made, [{"jit": True}, {"jit": False}])
    ready.note_inputs(ALONE)
    outputs = {name: f"{name}.out" for name in ("state", "history", "distances")}
    spec = {"rate": 2, "model": "my.py"}
    for other in (
        ready.made_of({**spec, "rate": 3}, "c", "e"),
        ready.made_of(spec, "other code", "e"),
        ready.made_of(spec, "c", "other packages"),
    ):
        assert ready.take("b", other, outputs) is None
    ready.note_inputs({"data": {"sha256": "made anew"}, "initial": {"sha256": "i"}, "parent": {"sha256": "p1"}})
    assert ready.take("b", ready.made_of(spec, "c", "e"), outputs) is None
    ready.note_inputs(ALONE)
    monkeypatch.setenv("BATCHLAB_BACKEND", "jax")
    assert ready.take("b", ready.made_of(spec, "c", "e"), outputs) is None
    monkeypatch.delenv("BATCHLAB_BACKEND")
    facts = ready.take("b", ready.made_of(spec, "c", "e"), outputs)
    assert facts is not None
    assert (facts["jit"], facts["trained_together"]) == (False, 2)
    assert Path("distances.out").read_text() == "b distances.csv"
    assert ready.take("b", ready.made_of(spec, "c", "e"), outputs) is None
    Path(made[0].outputs["history"]).unlink()  # by a run that was killed while it took them
    assert ready.take("a", made[0].made, outputs) is None
